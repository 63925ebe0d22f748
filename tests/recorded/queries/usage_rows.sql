-- shared/db/usage_rows.py: _stage
-- sends ?, 'refused', ?, ?, null, ?, ?, 'balanced', ?, 'default', ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, 'auto', 'gpt-6.1-terra', null, ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, 'eco', ?, null, ?, 'eco', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, 'gemini-3.8-flash', 'gemini-3.8-flash', null, ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, 'gpt-6.1-terra', 'gpt-6.1-terra', null, ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, ?, 'claude-opus-5-5', 'default', ?, 'precision', null, ?, ?, ?, ?, ?, null, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, ?, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, 'provider_refused_request', ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, 'gemini-3.8-flash', null, ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, null, ?, 'passed_over', ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, 'gpt-6.1-terra', null, ?, 'balanced', 'chat', ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, null, ?, null, ?, ?, ?, ?, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'estimated', ?, null, ?, 'platform', ?, ?, ?, ?, 'client_disconnected', ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'estimated', ?, null, ?, 'platform', ?, ?, ?, ?, 'stream_cut', ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, 'platform_key_refused', ?, 'platform_key_refused', ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, 'provider_rate_limited', ?, 'provider_rate_limited', ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, 'test-user', null, null, null, ?, ?, null, null, null, ?, 'balanced', null, ?, ?, ?, null, null, null, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, null, ?, ?, 'provider_unavailable', ?, 'provider_unavailable', ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, ?, ?, ?, null, ?, ?, 'balanced', ?, 'default', ?, 'balanced', ?, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, ?, ?, ?, null, ?, ?, 'balanced', ?, 'default', ?, 'balanced', null, ?, ?, ?, ?, null, ?, ?, ?, ?, 'measured', ?, null, ?, 'platform', ?, ?, ?, ?, null, ?, 'x', ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, ?, ?, ?, null, ?, ?, 'balanced', ?, 'default', ?, 'balanced', null, ?, ?, ?, ?, null, ?, null, ?, ?, 'provider_reported', ?, ?, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, ?, ?, ?, null, ?, ?, 'balanced', ?, null, ?, 'balanced', null, ?, ?, ?, ?, ?, ?, null, null, null, 'unpriced', null, null, ?, 'platform', ?, ?, ?, ?, null, ?, null, ?, ?, ?, null, ?, null, null, 'final', ?
-- sends ?, ?, null, ?, ?, ?, null, ?, ?, null, ?, null, null, ?, ?, ?, ?, null, ?, null, null, null, 'unpriced', null, null, ?, 'user', ?, null, ?, ?, null, ?, null, ?, ?, ?, null, null, null, null, 'final', ?
-- sends ?, ?, null, null, null, ?, null, 'balanced', null, null, ?, 'precision', null, null, null, null, null, null, null, null, null, null, null, null, null, ?, null, null, null, null, null, null, ?, null, ?, ?, ?, null, null, null, null, 'indeterminate', ?
COPY usage_staging ("request_id", "user_id", "team_id", "access_token_id", "user_key_id", "provider_id", "model_id", "model_requested", "model_served", "service_tier", "is_simulated", "power_level", "task_type", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_input_pico_usd", "cost_output_pico_usd", "cost_total_pico_usd", "cost_quality", "price_version", "provider_cost_pico_usd", "used_byok", "billed_to", "latency_ms", "ttft_ms", "overhead_us", "status_code", "error_message", "was_fallback", "fallback_reason", "attempts", "request_ip", "user_agent", "session_id", "cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens", "state", "created_at") FROM STDIN;

-- shared/db/usage_rows.py: _stage
CREATE TEMPORARY TABLE usage_staging ON COMMIT DROP AS
SELECT "request_id", "user_id", "team_id", "access_token_id", "user_key_id", "provider_id", "model_id", "model_requested", "model_served", "service_tier", "is_simulated", "power_level", "task_type", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", NULL::numeric AS "cost_input_pico_usd", NULL::numeric AS "cost_output_pico_usd", NULL::numeric AS "cost_total_pico_usd", "cost_quality", "price_version", NULL::numeric AS "provider_cost_pico_usd", "used_byok", "billed_to", "latency_ms", "ttft_ms", "overhead_us", "status_code", "error_message", "was_fallback", "fallback_reason", "attempts", "request_ip", "user_agent", "session_id", "cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens", "state", "created_at" FROM llm_usage_logs WITH NO DATA;

-- shared/db/usage_rows.py: hold_writer
-- takes int4
-- sends ?
-- gives pg_advisory_xact_lock void
SELECT pg_advisory_xact_lock($1);

-- shared/db/usage_rows.py: missing_request_ids
-- takes unknown
-- sends ?
-- gives found text
SELECT found[1] FROM usage_quarantine,
    regexp_matches(
        encode(payload, 'escape'),
        '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'g'
    ) AS found
WHERE found[1] = ANY($1);

-- shared/db/usage_rows.py: missing_request_ids
-- takes unknown, timestamptz, timestamptz, bool
-- sends ?, ?, ?, ?
-- gives request_id character varying(100)
SELECT request_id FROM llm_usage_logs
WHERE request_id = ANY($1) AND created_at BETWEEN $2 AND $3
    AND (state = 'final' OR NOT $4);

-- shared/db/usage_rows.py: write_batch
-- takes timestamptz, timestamptz
-- sends ?, ?
-- gives count bigint
WITH replaced AS MATERIALIZED (
    SELECT held.* FROM llm_usage_logs AS held
    JOIN usage_staging AS staged USING (request_id, created_at)
    WHERE held.state = 'indeterminate' AND staged.state = 'final'
        AND held.created_at BETWEEN $1 AND $2
), uncounted AS (
    INSERT INTO usage_daily AS held (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", "requests", "indeterminate_requests", "unpriced_requests", "estimated_requests", "provider_reported_requests", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_total_usd")
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", - count(*), - count(*) FILTER (WHERE state = 'indeterminate'), - count(*) FILTER (WHERE state = 'final' AND cost_total_usd IS NULL), - count(*) FILTER (WHERE cost_quality = 'estimated'), - count(*) FILTER (WHERE cost_quality = 'provider_reported'), - coalesce(sum(prompt_tokens), 0), - coalesce(sum(completion_tokens), 0), - coalesce(sum(total_tokens), 0), - coalesce(sum(cached_tokens), 0), - coalesce(sum(cache_write_tokens), 0), - coalesce(sum(reasoning_tokens), 0), - coalesce(sum(cost_total_usd), 0)
    FROM replaced
    GROUP BY day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated"
    ON CONFLICT (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated") DO UPDATE SET "requests" = held."requests" + EXCLUDED."requests", "indeterminate_requests" = held."indeterminate_requests" + EXCLUDED."indeterminate_requests", "unpriced_requests" = held."unpriced_requests" + EXCLUDED."unpriced_requests", "estimated_requests" = held."estimated_requests" + EXCLUDED."estimated_requests", "provider_reported_requests" = held."provider_reported_requests" + EXCLUDED."provider_reported_requests", "prompt_tokens" = held."prompt_tokens" + EXCLUDED."prompt_tokens", "completion_tokens" = held."completion_tokens" + EXCLUDED."completion_tokens", "total_tokens" = held."total_tokens" + EXCLUDED."total_tokens", "cached_tokens" = held."cached_tokens" + EXCLUDED."cached_tokens", "cache_write_tokens" = held."cache_write_tokens" + EXCLUDED."cache_write_tokens", "reasoning_tokens" = held."reasoning_tokens" + EXCLUDED."reasoning_tokens", "cost_total_usd" = held."cost_total_usd" + EXCLUDED."cost_total_usd"
    )
SELECT count(*) FROM replaced;

-- shared/db/usage_rows.py: write_batch
-- gives count bigint
WITH written AS (
    INSERT INTO llm_usage_logs AS held ("request_id", "user_id", "team_id", "access_token_id", "user_key_id", "provider_id", "model_id", "model_requested", "model_served", "service_tier", "is_simulated", "power_level", "task_type", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_quality", "price_version", "used_byok", "billed_to", "latency_ms", "ttft_ms", "overhead_us", "status_code", "error_message", "was_fallback", "fallback_reason", "attempts", "request_ip", "user_agent", "session_id", "cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens", "state", "created_at", "cost_input_usd", "cost_output_usd", "cost_total_usd", "provider_cost_usd", "tokens_per_second")
    SELECT "request_id", "user_id", "team_id", "access_token_id", "user_key_id", "provider_id", "model_id", "model_requested", "model_served", "service_tier", "is_simulated", "power_level", "task_type", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_quality", "price_version", "used_byok", "billed_to", "latency_ms", "ttft_ms", "overhead_us", "status_code", "error_message", "was_fallback", "fallback_reason", "attempts", "request_ip", "user_agent", "session_id", "cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens", "state", "created_at", "cost_input_pico_usd" * 1e-12, "cost_output_pico_usd" * 1e-12, "cost_total_pico_usd" * 1e-12, "provider_cost_pico_usd" * 1e-12, round(completion_tokens * 1000.0 / nullif(greatest(latency_ms - ttft_ms, 0), 0), 3) FROM usage_staging
    ON CONFLICT (request_id, created_at) DO UPDATE SET "user_id" = EXCLUDED."user_id", "team_id" = EXCLUDED."team_id", "access_token_id" = EXCLUDED."access_token_id", "user_key_id" = EXCLUDED."user_key_id", "provider_id" = EXCLUDED."provider_id", "model_id" = EXCLUDED."model_id", "model_requested" = EXCLUDED."model_requested", "model_served" = EXCLUDED."model_served", "service_tier" = EXCLUDED."service_tier", "is_simulated" = EXCLUDED."is_simulated", "power_level" = EXCLUDED."power_level", "task_type" = EXCLUDED."task_type", "prompt_tokens" = EXCLUDED."prompt_tokens", "completion_tokens" = EXCLUDED."completion_tokens", "total_tokens" = EXCLUDED."total_tokens", "cached_tokens" = EXCLUDED."cached_tokens", "cache_write_tokens" = EXCLUDED."cache_write_tokens", "reasoning_tokens" = EXCLUDED."reasoning_tokens", "cost_quality" = EXCLUDED."cost_quality", "price_version" = EXCLUDED."price_version", "used_byok" = EXCLUDED."used_byok", "billed_to" = EXCLUDED."billed_to", "latency_ms" = EXCLUDED."latency_ms", "ttft_ms" = EXCLUDED."ttft_ms", "overhead_us" = EXCLUDED."overhead_us", "status_code" = EXCLUDED."status_code", "error_message" = EXCLUDED."error_message", "was_fallback" = EXCLUDED."was_fallback", "fallback_reason" = EXCLUDED."fallback_reason", "attempts" = EXCLUDED."attempts", "request_ip" = EXCLUDED."request_ip", "user_agent" = EXCLUDED."user_agent", "session_id" = EXCLUDED."session_id", "cache_write_1h_tokens" = EXCLUDED."cache_write_1h_tokens", "prompt_audio_tokens" = EXCLUDED."prompt_audio_tokens", "completion_audio_tokens" = EXCLUDED."completion_audio_tokens", "state" = EXCLUDED."state", "cost_input_usd" = EXCLUDED."cost_input_usd", "cost_output_usd" = EXCLUDED."cost_output_usd", "cost_total_usd" = EXCLUDED."cost_total_usd", "provider_cost_usd" = EXCLUDED."provider_cost_usd", "tokens_per_second" = EXCLUDED."tokens_per_second"
    WHERE held.state = 'indeterminate' AND EXCLUDED.state = 'final'
    RETURNING "held"."request_id", "held"."created_at", "held"."state", "held"."user_id", "held"."team_id", "held"."provider_id", "held"."model_id", "held"."power_level", "held"."access_token_id", "held"."user_key_id", "held"."billed_to", "held"."is_simulated", "held"."cost_quality", "held"."cost_total_usd", "held"."prompt_tokens", "held"."completion_tokens", "held"."total_tokens", "held"."cached_tokens", "held"."cache_write_tokens", "held"."reasoning_tokens"
),
counted AS (
    INSERT INTO usage_daily AS held (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", "requests", "indeterminate_requests", "unpriced_requests", "estimated_requests", "provider_reported_requests", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_total_usd")
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated", + count(*), + count(*) FILTER (WHERE state = 'indeterminate'), + count(*) FILTER (WHERE state = 'final' AND cost_total_usd IS NULL), + count(*) FILTER (WHERE cost_quality = 'estimated'), + count(*) FILTER (WHERE cost_quality = 'provider_reported'), + coalesce(sum(prompt_tokens), 0), + coalesce(sum(completion_tokens), 0), + coalesce(sum(total_tokens), 0), + coalesce(sum(cached_tokens), 0), + coalesce(sum(cache_write_tokens), 0), + coalesce(sum(reasoning_tokens), 0), + coalesce(sum(cost_total_usd), 0)
    FROM written
    GROUP BY day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated"
    ON CONFLICT (day, "user_id", "team_id", "provider_id", "model_id", "power_level", "access_token_id", "user_key_id", "billed_to", "is_simulated") DO UPDATE SET "requests" = held."requests" + EXCLUDED."requests", "indeterminate_requests" = held."indeterminate_requests" + EXCLUDED."indeterminate_requests", "unpriced_requests" = held."unpriced_requests" + EXCLUDED."unpriced_requests", "estimated_requests" = held."estimated_requests" + EXCLUDED."estimated_requests", "provider_reported_requests" = held."provider_reported_requests" + EXCLUDED."provider_reported_requests", "prompt_tokens" = held."prompt_tokens" + EXCLUDED."prompt_tokens", "completion_tokens" = held."completion_tokens" + EXCLUDED."completion_tokens", "total_tokens" = held."total_tokens" + EXCLUDED."total_tokens", "cached_tokens" = held."cached_tokens" + EXCLUDED."cached_tokens", "cache_write_tokens" = held."cache_write_tokens" + EXCLUDED."cache_write_tokens", "reasoning_tokens" = held."reasoning_tokens" + EXCLUDED."reasoning_tokens", "cost_total_usd" = held."cost_total_usd" + EXCLUDED."cost_total_usd"
    ),
queued AS (
INSERT INTO usage_outbox (request_id, usage_created_at)
SELECT request_id, created_at FROM written
WHERE state = 'final' AND NOT is_simulated
    AND billed_to = 'platform' AND cost_total_usd IS NOT NULL
ON CONFLICT DO NOTHING
),
used AS (
UPDATE user_api_keys AS held SET
    total_requests = held.total_requests + used.requests,
    total_tokens = held.total_tokens + used.tokens,
    total_cost_usd = held.total_cost_usd + used.cost_usd,
    last_used_at = greatest(held.last_used_at, used.last_used_at)
FROM (
    SELECT user_key_id, count(*) AS requests, max(created_at) AS last_used_at,
        coalesce(sum(total_tokens), 0) AS tokens,
        coalesce(sum(cost_total_usd) FILTER (WHERE NOT is_simulated), 0) AS cost_usd
    FROM written
    WHERE user_key_id IS NOT NULL
    GROUP BY user_key_id
) AS used
WHERE held.id = used.user_key_id
)
SELECT count(*) FROM written;

