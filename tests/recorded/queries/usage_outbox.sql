-- shared/db/usage_outbox.py: claim
-- takes int2, int2
-- sends ?, ?
-- gives outbox_id bigint, request_id character varying(100), adjustment_id bigint, send_attempts integer, is_gone boolean, created_at timestamp with time zone, amount_usd numeric, user_id text, team_id text, provider text, model text, power_level text, access_token_id bigint, prompt_tokens bigint, completion_tokens bigint, total_tokens bigint, cached_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, cost_quality text, price_version integer
WITH due AS (
    SELECT id FROM usage_outbox
    WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at, id LIMIT $1
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE usage_outbox AS held
    SET send_attempts = held.send_attempts + 1,
        next_attempt_at = now() + make_interval(secs => $2)
    FROM due WHERE held.id = due.id
    RETURNING held.*
)
SELECT claimed.id AS outbox_id, claimed.request_id, claimed.adjustment_id,
    claimed.send_attempts, (log.request_id IS NULL) AS is_gone,
    claimed.usage_created_at AS created_at,
    coalesce(adjusted.amount_usd, log.cost_total_usd, 0) AS amount_usd,
    coalesce(log.user_id, '') AS user_id, log.team_id, provider.provider_slug AS provider,
    coalesce(model.model_id, log.model_served) AS model, log.power_level, log.access_token_id,
    log.prompt_tokens, log.completion_tokens, log.total_tokens, log.cached_tokens,
    log.cache_write_tokens, log.reasoning_tokens, log.cost_quality,
    CASE WHEN claimed.adjustment_id IS NULL THEN log.price_version
        ELSE adjusted.price_version END AS price_version
FROM claimed
LEFT JOIN llm_usage_logs AS log
    ON log.request_id = claimed.request_id AND log.created_at = claimed.usage_created_at
LEFT JOIN usage_adjustments AS adjusted ON adjusted.id = claimed.adjustment_id
LEFT JOIN llm_providers AS provider ON provider.id = log.provider_id
LEFT JOIN llm_models AS model ON model.id = log.model_id
ORDER BY claimed.id;

-- shared/db/usage_outbox.py: outbox_state
-- gives count bigint, count bigint
SELECT (SELECT count(*) FROM usage_outbox WHERE sent_at IS NULL AND failed_at IS NULL), (SELECT count(*) FROM usage_outbox WHERE failed_at IS NOT NULL);

-- shared/db/usage_outbox.py: replay
UPDATE usage_outbox SET failed_at = NULL, sent_at = NULL, send_attempts = 0, next_attempt_at = now() WHERE failed_at IS NOT NULL;

-- shared/db/usage_outbox.py: replay
-- takes unknown
-- sends ?
UPDATE usage_outbox SET failed_at = NULL, sent_at = NULL, send_attempts = 0, next_attempt_at = now() WHERE request_id = ANY($1);

-- shared/db/usage_outbox.py: settle
-- takes unknown, interval, bool, int2
-- sends ?, ?, ?, ?
-- sends ?, null, ?, ?
UPDATE usage_outbox SET last_error = $1, next_attempt_at = now() + coalesce($2::interval, '0'), failed_at = CASE WHEN $3 THEN now() END WHERE id = $4;

-- shared/db/usage_outbox.py: settle
-- takes int2, unknown
-- sends ?, ?
-- sends ?, null
WITH told AS ( UPDATE usage_outbox SET sent_at = now(), last_error = NULL WHERE id = $1 RETURNING request_id, usage_created_at, adjustment_id) UPDATE llm_usage_logs AS log SET billed_at = now(), lago_event_id = $2 FROM told WHERE log.request_id = told.request_id AND log.created_at = told.usage_created_at AND told.adjustment_id IS NULL;

