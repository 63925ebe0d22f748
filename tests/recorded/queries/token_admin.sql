-- shared/db/token_admin.py: change_token
-- takes unknown, int2
-- sends 'n', ?
-- sends ?, ?
UPDATE access_tokens SET "name" = $1 WHERE id = $2 AND revoked_at IS NULL;

-- shared/db/token_admin.py: change_token
-- takes unknown, unknown, int2
-- sends 'admin', ?, ?
UPDATE access_tokens SET "role" = $1, "team_id" = $2 WHERE id = $3 AND revoked_at IS NULL;

-- shared/db/token_admin.py: change_token
-- takes unknown, int2
-- sends ?, ?
UPDATE access_tokens SET "scopes" = $1 WHERE id = $2 AND revoked_at IS NULL;

-- shared/db/token_admin.py: change_token
-- takes unknown, int2
-- sends null, ?
UPDATE access_tokens SET "team_id" = $1 WHERE id = $2 AND revoked_at IS NULL;

-- shared/db/token_admin.py: end_token
-- takes int2
-- sends ?
UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL;

-- shared/db/token_admin.py: find_token
-- takes int2
-- sends ?
-- gives id bigint, name text, user_id text, team_id text, tier text, role text, prefix text, suffix text, expires_at timestamp with time zone, revoked_at timestamp with time zone, last_used_at timestamp with time zone, created_at timestamp with time zone, scopes text[], allowed_models text[], rotated_to bigint, created_by text
SELECT id, name, user_id, team_id, tier, role, token_prefix AS prefix, token_suffix AS suffix, expires_at, revoked_at, last_used_at, created_at, scopes, allowed_models, rotated_to, created_by FROM access_tokens WHERE id = $1;

-- shared/db/token_admin.py: insert_token
-- takes bytea, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown
-- sends ?, ?, ?, 'new', 'new', null, 'free', 'user', ?, null, null, ?
-- sends ?, ?, ?, ?, ?, null, 'starter', 'admin', ?, null, null, 'admin'
-- sends ?, ?, ?, ?, ?, null, 'starter', 'user', ?, ?, null, 'admin'
-- gives id bigint
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, team_id, tier, role, scopes, allowed_models, expires_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id;

-- shared/db/token_admin.py: page_of_tokens
-- takes int2, unknown, int2
-- sends ?, ?, ?
-- sends ?, null, ?
-- gives id bigint, name text, user_id text, team_id text, tier text, role text, prefix text, suffix text, expires_at timestamp with time zone, revoked_at timestamp with time zone, last_used_at timestamp with time zone, created_at timestamp with time zone, scopes text[], allowed_models text[], rotated_to bigint, created_by text
SELECT id, name, user_id, team_id, tier, role, token_prefix AS prefix, token_suffix AS suffix, expires_at, revoked_at, last_used_at, created_at, scopes, allowed_models, rotated_to, created_by FROM access_tokens WHERE id > $1 AND ($2::text IS NULL OR user_id = $2) ORDER BY id LIMIT $3;

-- shared/db/token_admin.py: replace_token
-- takes bytea, unknown, unknown, int2
-- sends ?, ?, ?, ?
-- gives id bigint
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, team_id, tier, role, scopes, allowed_models, expires_at, created_by) SELECT $1, $2, $3, name, user_id, team_id, tier, role, scopes, allowed_models, now() + (expires_at - created_at), created_by FROM access_tokens WHERE id = $4 AND revoked_at IS NULL AND rotated_to IS NULL FOR UPDATE RETURNING id;

-- shared/db/token_admin.py: replace_token
-- takes unknown, unknown
-- sends ?, ?
INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute, concurrent_requests, budget_day_usd, budget_month_usd, is_active) SELECT scope, $1, requests_per_minute, tokens_per_minute, concurrent_requests, budget_day_usd, budget_month_usd, is_active FROM limits WHERE scope = 'token' AND subject = $2;

-- shared/db/token_admin.py: replace_token
-- takes int2, interval, int2
-- sends ?, ?, ?
UPDATE access_tokens SET rotated_to = $1, expires_at = least(expires_at, now() + $2) WHERE id = $3;

