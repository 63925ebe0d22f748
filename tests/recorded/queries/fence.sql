-- functions/clock/fence.py: run_once
-- takes unknown, unknown
-- sends 'billing.deliver', ?
-- sends 'catalogue.sync', ?
-- sends 'clock.trim', ?
-- sends 'health.check', ?
-- sends 'health.stale', ?
-- sends 'usage.partitions', ?
-- sends 'usage.write', ?
-- sends ?, 'x'
INSERT INTO job_runs (name, tick) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- functions/clock/fence.py: trim_runs
-- takes int2
-- sends ?
DELETE FROM job_runs WHERE started_at < now() - make_interval(days => $1);

