-- shared/db/health_report.py: read_health
-- takes int2, int2
-- sends ?, ?
-- gives checked_at timestamp with time zone, outcome text, status text, status_code integer, response_time_ms integer, reason text
SELECT checked_at, outcome, status, status_code, response_time_ms, reason
FROM provider_health_checks WHERE provider_id = $1 ORDER BY checked_at DESC LIMIT $2;

-- shared/db/health_report.py: read_health
-- takes unknown, unknown
-- sends 'answered', 'not_judged'
-- gives id bigint, provider text, name text, is_active boolean, health_status text, health_reason text, health_last_checked timestamp with time zone, health_response_time_ms integer, system_key_status text, system_key_reason text, system_key_checked_at timestamp with time zone, uptime_24h double precision, uptime_30d double precision
SELECT provider.id, provider_slug AS provider, provider_name AS name, is_active, health_status,
    health_reason, health_last_checked, health_response_time_ms, system_key_status,
    system_key_reason, system_key_checked_at, up.uptime_24h, up.uptime_30d
FROM llm_providers AS provider, LATERAL (
    SELECT avg((outcome = $1)::int)::float8 AS uptime_30d,
        (avg((outcome = $1)::int)
            FILTER (WHERE checked_at > now() - interval '24 hours'))::float8 AS uptime_24h
    FROM provider_health_checks
    WHERE provider_id = provider.id AND outcome <> $2
        AND checked_at > now() - interval '30 days'
) AS up
ORDER BY provider.id;

