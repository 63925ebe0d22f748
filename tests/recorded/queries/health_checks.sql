-- shared/db/health_checks.py: forget_stale
-- takes int2
-- sends ?
UPDATE llm_providers SET health_status = 'unknown', health_reason = format('no check for %s minutes', $1 / 60) WHERE health_status <> 'unknown' AND health_last_checked < now() - make_interval(secs => $1);

-- shared/db/health_checks.py: insert_run
-- takes unknown, unknown
-- sends 'health.check', ?
INSERT INTO job_runs (name, tick) VALUES ($1, $2);

-- shared/db/health_checks.py: is_recorded
-- takes unknown
-- sends ?
-- gives ?column? integer
SELECT 1 FROM provider_health_checks WHERE run = $1 AND checked_at > now() - interval '1 day' LIMIT 1;

-- shared/db/health_checks.py: lock_standings
-- gives id bigint, health_status text
SELECT id, health_status FROM llm_providers ORDER BY id FOR NO KEY UPDATE;

-- shared/db/health_checks.py: lock_standings
-- takes unknown, int2
-- sends 'not_judged', ?
-- gives provider_id bigint, checked_at timestamp with time zone, outcome text
SELECT past.* FROM llm_providers AS provider, LATERAL ( SELECT provider_id, checked_at, outcome FROM provider_health_checks WHERE provider_id = provider.id AND outcome <> $1 ORDER BY checked_at DESC LIMIT $2) AS past;

-- shared/db/health_checks.py: trim_history
-- takes int2
-- sends ?
DELETE FROM provider_health_checks WHERE checked_at < now() - make_interval(days => $1);

-- shared/db/health_checks.py: write_verdicts
-- takes int2, timestamptz, unknown, int2, int2, unknown, unknown, unknown
-- sends ?, ?, 'degraded', null, null, ?, 'failed', ?
-- sends ?, ?, 'down', ?, ?, null, 'answered', ?
-- sends ?, ?, 'healthy', null, null, ?, 'not_judged', ?
-- sends ?, ?, 'unknown', null, null, ?, 'failed', ?
INSERT INTO provider_health_checks (provider_id, checked_at, status, response_time_ms, status_code, reason, outcome, run) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- shared/db/health_checks.py: write_verdicts
-- takes unknown, unknown, int2
-- sends 'healthy', null, ?
-- sends 'unknown', ?, ?
UPDATE llm_providers SET health_status = $1, health_reason = $2 WHERE id = $3 AND health_status <> $1;

-- shared/db/health_checks.py: write_verdicts
-- takes unknown, unknown, timestamptz, int2, int2
-- sends 'degraded', ?, ?, null, ?
-- sends 'down', ?, ?, ?, ?
-- sends 'healthy', null, ?, ?, ?
-- sends 'unknown', ?, ?, null, ?
UPDATE llm_providers SET health_status = $1, health_reason = $2, health_last_checked = $3, health_response_time_ms = $4 WHERE id = $5;

-- shared/db/health_checks.py: write_verdicts
-- takes unknown, unknown, timestamptz, int2
-- sends 'invalid', ?, ?, ?
-- sends 'ok', null, ?, ?
-- sends 'unverified', null, ?, ?
UPDATE llm_providers SET system_key_status = $1, system_key_reason = $2, system_key_checked_at = CASE WHEN $1 = 'unverified' THEN NULL ELSE $3 END WHERE id = $4;

