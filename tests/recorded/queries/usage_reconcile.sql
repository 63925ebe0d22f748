-- shared/db/usage_reconcile.py: compare
-- takes numeric, numeric, timestamptz, timestamptz
-- sends ?, ?, ?, ?
-- gives provider text, model text, rows bigint, apart bigint, ours_usd numeric, theirs_usd numeric
SELECT provider.provider_slug AS provider, coalesce(model.model_id, opinion.model_served) AS model, count(*) AS rows, count(*) FILTER (WHERE abs(ours_usd - theirs_usd) > $1 * greatest(ours_usd, theirs_usd) + $2) AS apart, sum(ours_usd) AS ours_usd, sum(theirs_usd) AS theirs_usd FROM (
    SELECT log.request_id, log.created_at, log.provider_id, log.model_id, log.model_served,
        log.provider_cost_usd AS theirs_usd,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS ours_usd
    FROM llm_usage_logs AS log
    WHERE created_at >= $3 AND created_at < $4 AND state = 'final' AND provider_cost_usd IS NOT NULL
        AND cost_total_usd IS NOT NULL AND cost_quality <> 'provider_reported'
    ) AS opinion  LEFT JOIN llm_providers AS provider ON provider.id = opinion.provider_id LEFT JOIN llm_models AS model ON model.id = opinion.model_id GROUP BY 1, 2 ORDER BY abs(sum(ours_usd) - sum(theirs_usd)) DESC, 1, 2;

-- shared/db/usage_reconcile.py: compare
-- takes numeric, numeric
-- sends ?, ?
-- gives provider text, model text, rows bigint, apart bigint, ours_usd numeric, theirs_usd numeric
SELECT provider.provider_slug AS provider, coalesce(model.model_id, opinion.model_served) AS model, count(*) AS rows, count(*) FILTER (WHERE abs(ours_usd - theirs_usd) > $1 * greatest(ours_usd, theirs_usd) + $2) AS apart, sum(ours_usd) AS ours_usd, sum(theirs_usd) AS theirs_usd FROM (
    SELECT log.request_id, log.created_at, log.provider_id, log.model_id, log.model_served,
        log.provider_cost_usd AS theirs_usd,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS ours_usd
    FROM llm_usage_logs AS log
    WHERE true AND state = 'final' AND provider_cost_usd IS NOT NULL
        AND cost_total_usd IS NOT NULL AND cost_quality <> 'provider_reported'
    ) AS opinion  LEFT JOIN llm_providers AS provider ON provider.id = opinion.provider_id LEFT JOIN llm_models AS model ON model.id = opinion.model_id GROUP BY 1, 2 ORDER BY abs(sum(ours_usd) - sum(theirs_usd)) DESC, 1, 2;

-- shared/db/usage_reconcile.py: drifts
-- takes timestamptz, timestamptz
-- sends ?, ?
-- gives day date, rows bigint, summed_rows bigint, cost_usd numeric, summed_cost_usd numeric
SELECT day, coalesce(log.rows, 0) AS rows, coalesce(daily.rows, 0)::bigint AS summed_rows,
    coalesce(log.cost, 0) AS cost_usd, coalesce(daily.cost, 0) AS summed_cost_usd
FROM (
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS rows,
        coalesce(sum(cost_total_usd), 0) + coalesce(sum((
            SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id)), 0) AS cost
    FROM llm_usage_logs AS log WHERE created_at >= $1 AND created_at < $2 GROUP BY 1
) AS log
FULL JOIN (
    SELECT day, sum(requests) AS rows, sum(cost_total_usd + adjustments_usd) AS cost
    FROM usage_daily WHERE day >= $1::date AND day < $2::date GROUP BY 1 HAVING sum(requests) <> 0
        OR sum(cost_total_usd + adjustments_usd) <> 0
) AS daily USING (day)
WHERE coalesce(log.rows, 0) <> coalesce(daily.rows, 0)
    OR coalesce(log.cost, 0) <> coalesce(daily.cost, 0)
ORDER BY day;

-- shared/db/usage_reconcile.py: drifts
-- gives day date, rows bigint, summed_rows bigint, cost_usd numeric, summed_cost_usd numeric
SELECT day, coalesce(log.rows, 0) AS rows, coalesce(daily.rows, 0)::bigint AS summed_rows,
    coalesce(log.cost, 0) AS cost_usd, coalesce(daily.cost, 0) AS summed_cost_usd
FROM (
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS rows,
        coalesce(sum(cost_total_usd), 0) + coalesce(sum((
            SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id)), 0) AS cost
    FROM llm_usage_logs AS log WHERE true GROUP BY 1
) AS log
FULL JOIN (
    SELECT day, sum(requests) AS rows, sum(cost_total_usd + adjustments_usd) AS cost
    FROM usage_daily WHERE true GROUP BY 1 HAVING sum(requests) <> 0
        OR sum(cost_total_usd + adjustments_usd) <> 0
) AS daily USING (day)
WHERE coalesce(log.rows, 0) <> coalesce(daily.rows, 0)
    OR coalesce(log.cost, 0) <> coalesce(daily.cost, 0)
ORDER BY day;

-- shared/db/usage_reconcile.py: rows_apart
-- takes timestamptz, timestamptz, numeric, numeric, int2
-- sends ?, ?, ?, ?, ?
-- gives request_id character varying(100), created_at timestamp with time zone, provider text, model text, ours_usd numeric, theirs_usd numeric(24,12), difference_usd numeric
SELECT opinion.request_id, opinion.created_at, provider.provider_slug AS provider, coalesce(model.model_id, opinion.model_served) AS model, ours_usd, theirs_usd, ours_usd - theirs_usd AS difference_usd FROM (
    SELECT log.request_id, log.created_at, log.provider_id, log.model_id, log.model_served,
        log.provider_cost_usd AS theirs_usd,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS ours_usd
    FROM llm_usage_logs AS log
    WHERE created_at >= $1 AND created_at < $2 AND state = 'final' AND provider_cost_usd IS NOT NULL
        AND cost_total_usd IS NOT NULL AND cost_quality <> 'provider_reported'
    ) AS opinion  LEFT JOIN llm_providers AS provider ON provider.id = opinion.provider_id LEFT JOIN llm_models AS model ON model.id = opinion.model_id WHERE abs(ours_usd - theirs_usd) > $3 * greatest(ours_usd, theirs_usd) + $4 ORDER BY abs(ours_usd - theirs_usd) DESC, opinion.request_id LIMIT $5;

-- shared/db/usage_reconcile.py: rows_apart
-- takes numeric, numeric, int2
-- sends ?, ?, ?
-- gives request_id character varying(100), created_at timestamp with time zone, provider text, model text, ours_usd numeric, theirs_usd numeric(24,12), difference_usd numeric
SELECT opinion.request_id, opinion.created_at, provider.provider_slug AS provider, coalesce(model.model_id, opinion.model_served) AS model, ours_usd, theirs_usd, ours_usd - theirs_usd AS difference_usd FROM (
    SELECT log.request_id, log.created_at, log.provider_id, log.model_id, log.model_served,
        log.provider_cost_usd AS theirs_usd,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS ours_usd
    FROM llm_usage_logs AS log
    WHERE true AND state = 'final' AND provider_cost_usd IS NOT NULL
        AND cost_total_usd IS NOT NULL AND cost_quality <> 'provider_reported'
    ) AS opinion  LEFT JOIN llm_providers AS provider ON provider.id = opinion.provider_id LEFT JOIN llm_models AS model ON model.id = opinion.model_id WHERE abs(ours_usd - theirs_usd) > $1 * greatest(ours_usd, theirs_usd) + $2 ORDER BY abs(ours_usd - theirs_usd) DESC, opinion.request_id LIMIT $3;

