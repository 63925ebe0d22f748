-- shared/db/access_tokens.py: create_token
-- takes bytea, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, timestamptz, unknown
-- sends ?, ?, ?, 'free', ?, null, 'free', 'user', ?, null, null, null
-- sends ?, ?, ?, ?, ?, ?, 'professional', 'admin', ?, null, ?, ?
-- sends ?, ?, ?, ?, ?, ?, 'professional', 'user', ?, ?, ?, null
-- sends ?, ?, ?, ?, ?, null, 'enterprise', 'admin', ?, null, ?, null
-- gives id bigint
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, team_id, tier, role, scopes, allowed_models, expires_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id;

-- shared/db/access_tokens.py: find_access_token
-- takes bytea
-- sends ?
-- gives id bigint, user_id text, team_id text, tier text, role text, scopes text[], allowed_models text[], expires_at timestamp with time zone
SELECT id, user_id, team_id, tier, role, scopes, allowed_models, expires_at FROM access_tokens WHERE token_digest = $1 AND revoked_at IS NULL;

-- shared/db/access_tokens.py: list_tokens
-- gives id bigint, name text, user_id text, team_id text, tier text, role text, prefix text, suffix text, expires_at timestamp with time zone, revoked_at timestamp with time zone, last_used_at timestamp with time zone, created_at timestamp with time zone, scopes text[], allowed_models text[], rotated_to bigint, created_by text
SELECT id, name, user_id, team_id, tier, role, token_prefix AS prefix, token_suffix AS suffix, expires_at, revoked_at, last_used_at, created_at, scopes, allowed_models, rotated_to, created_by FROM access_tokens ORDER BY id;

-- shared/db/access_tokens.py: revoke_token
-- takes int2
-- sends ?
UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL;

-- shared/db/access_tokens.py: rotate_token
-- takes bytea, unknown, unknown, int2
-- sends ?, ?, ?, ?
-- gives id bigint
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, team_id, tier, role, scopes, allowed_models, expires_at, created_by) SELECT $1, $2, $3, name, user_id, team_id, tier, role, scopes, allowed_models, now() + (expires_at - created_at), created_by FROM access_tokens WHERE id = $4 AND revoked_at IS NULL AND rotated_to IS NULL FOR UPDATE RETURNING id;

-- shared/db/access_tokens.py: rotate_token
-- takes unknown, unknown
-- sends ?, ?
INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute, concurrent_requests, budget_day_usd, budget_month_usd, is_active) SELECT scope, $1, requests_per_minute, tokens_per_minute, concurrent_requests, budget_day_usd, budget_month_usd, is_active FROM limits WHERE scope = 'token' AND subject = $2;

-- shared/db/access_tokens.py: rotate_token
-- takes int2, interval, int2
-- sends ?, ?, ?
UPDATE access_tokens SET rotated_to = $1, expires_at = least(expires_at, now() + $2) WHERE id = $3;

