-- shared/db/usage_quarantine.py: list_quarantined
-- gives id bigint, stream_id text, error text, payload_bytes integer, created_at timestamp with time zone
SELECT id, stream_id, error, length(payload) AS payload_bytes, created_at FROM usage_quarantine WHERE resolved_at IS NULL ORDER BY id;

-- shared/db/usage_quarantine.py: quarantine
-- takes unknown, bytea, unknown
-- sends ?, ?, ?
INSERT INTO usage_quarantine (stream_id, payload, error) SELECT $1, $2, $3 WHERE NOT EXISTS ( SELECT FROM usage_quarantine WHERE stream_id = $1 AND payload = $2);

-- shared/db/usage_quarantine.py: retry_quarantined
-- takes int2
-- sends ?
-- gives payload bytea
SELECT payload FROM usage_quarantine WHERE id = $1 AND resolved_at IS NULL;

-- shared/db/usage_quarantine.py: retry_quarantined
-- takes int2
-- sends ?
UPDATE usage_quarantine SET resolved_at = now() WHERE id = $1;

