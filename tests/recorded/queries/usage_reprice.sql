-- shared/db/usage_reprice.py: _read
-- takes bool, timestamptz, unknown, int2
-- sends ?, ?, ?, ?
-- gives id bigint, request_id character varying(100), state text, user_id text, team_id text, provider_id bigint, model_id bigint, model_requested text, model_served text, service_tier text, is_simulated boolean, user_key_id bigint, access_token_id bigint, power_level text, task_type text, prompt_tokens bigint, completion_tokens bigint, total_tokens bigint, cached_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, cost_input_usd numeric(24,12), cost_output_usd numeric(24,12), cost_total_usd numeric(24,12), cost_quality text, price_version integer, provider_cost_usd numeric(24,12), used_byok boolean, billed_to text, latency_ms integer, ttft_ms integer, overhead_us integer, tokens_per_second numeric, status_code integer, error_message text, was_fallback boolean, fallback_reason text, attempts jsonb, lago_event_id text, billed_at timestamp with time zone, request_ip text, user_agent text, session_id text, created_at timestamp with time zone, cache_write_1h_tokens bigint, prompt_audio_tokens bigint, completion_audio_tokens bigint, adjusted_usd numeric, times bigint
SELECT log.*, coalesce(adjusted.amount_usd, 0) AS adjusted_usd, adjusted.times
FROM llm_usage_logs AS log
CROSS JOIN LATERAL (
    SELECT sum(amount_usd) AS amount_usd, count(*) AS times FROM usage_adjustments
    WHERE request_id = log.request_id
) AS adjusted
WHERE true AND state = 'final' AND ($1 OR cost_total_usd IS NULL)
    AND (created_at, log.request_id) > ($2, $3) AND created_at >= $2
ORDER BY created_at, log.request_id LIMIT $4;

-- shared/db/usage_reprice.py: _read_history
-- gives model_id bigint, version integer, valid_from timestamp with time zone, prices jsonb
SELECT model_id, version, valid_from, prices FROM model_prices ORDER BY 1, 2;

-- shared/db/usage_reprice.py: _write
-- takes unknown, unknown, unknown, timestamptz[], numeric[], int2[]
-- sends 'repriced', ?, ?, ?, ?, ?
-- gives id bigint
INSERT INTO usage_adjustments
    (request_id, usage_created_at, amount_usd, price_version, reason, created_by)
SELECT *, $1, $2
FROM unnest($3::text[], $4::timestamptz[], $5::numeric[], $6::int[])
RETURNING id;

-- shared/db/usage_reprice.py: _write
-- takes int2[]
-- sends ?
INSERT INTO usage_daily AS held (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", adjustments_usd, repriced_requests)
SELECT (log.created_at AT TIME ZONE 'UTC')::date AS day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", sum(adjusted.amount_usd),
    count(*) FILTER (WHERE log.cost_total_usd IS NULL AND NOT EXISTS (
        SELECT FROM usage_adjustments AS earlier
        WHERE earlier.request_id = adjusted.request_id AND earlier.id < adjusted.id))

FROM usage_adjustments AS adjusted
JOIN llm_usage_logs AS log ON log.request_id = adjusted.request_id
    AND log.created_at = adjusted.usage_created_at
WHERE adjusted.id = ANY($1)
 GROUP BY day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated"
ON CONFLICT (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated") DO UPDATE SET
    adjustments_usd = held.adjustments_usd + EXCLUDED.adjustments_usd,
    repriced_requests = held.repriced_requests + EXCLUDED.repriced_requests;

-- shared/db/usage_reprice.py: _write
-- takes int2[]
-- sends ?
INSERT INTO usage_outbox (request_id, usage_created_at, adjustment_id) SELECT adjusted.request_id, adjusted.usage_created_at, adjusted.id
    FROM usage_adjustments AS adjusted
    JOIN llm_usage_logs AS log ON log.request_id = adjusted.request_id
        AND log.created_at = adjusted.usage_created_at
    WHERE adjusted.id = ANY($1)
     AND billed_to = 'platform' AND NOT is_simulated ON CONFLICT DO NOTHING;

-- shared/db/usage_reprice.py: _write
-- takes int2[]
-- sends ?
UPDATE user_api_keys AS held SET total_cost_usd = held.total_cost_usd + used.cost_usd
FROM (
    SELECT user_key_id, sum(adjusted.amount_usd) AS cost_usd 
FROM usage_adjustments AS adjusted
JOIN llm_usage_logs AS log ON log.request_id = adjusted.request_id
    AND log.created_at = adjusted.usage_created_at
WHERE adjusted.id = ANY($1)

        AND user_key_id IS NOT NULL AND NOT is_simulated
    GROUP BY user_key_id
) AS used
WHERE held.id = used.user_key_id;

