-- shared/db/audit_trail.py: page_of_audit
-- takes int2, unknown, unknown, unknown, unknown, unknown, unknown, unknown, int2
-- sends ?, null, null, ?, 'access_token', ?, null, null, ?
-- sends null, null, null, null, null, null, null, null, ?
-- gives id bigint, created_at timestamp with time zone, actor text, action text, target_type text, target_id text, fingerprint text, address text, request_id text, details jsonb
SELECT id, created_at, actor, action, target_type, target_id, fingerprint, address, request_id, details FROM audit_events WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR starts_with(action, $4)) AND ($5::text IS NULL OR target_type = $5) AND ($6::text IS NULL OR target_id = $6) AND ($7::timestamptz IS NULL OR created_at >= $7) AND ($8::timestamptz IS NULL OR created_at < $8) ORDER BY id DESC LIMIT $9;

