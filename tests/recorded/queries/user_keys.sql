-- shared/db/user_keys.py: change_key
-- takes bool, unknown, unknown, unknown, unknown, unknown
-- sends ?, null, 'last_resort', null, ?, 'openai'
-- sends ?, null, null, 'on_rate_limit', ?, 'openai'
-- gives id bigint
UPDATE user_api_keys AS k SET is_active = coalesce($1, k.is_active), key_name = coalesce($2, k.key_name), use_policy = coalesce($3, k.use_policy), platform_fallback = coalesce($4, k.platform_fallback), updated_at = now() FROM llm_providers p WHERE p.id = k.provider_id AND k.user_id = $5 AND p.provider_slug = $6 RETURNING k.id;

-- shared/db/user_keys.py: delete_key
-- takes unknown, unknown
-- sends 'test-user', 'openai'
-- sends ?, 'google'
-- gives id bigint, key_fingerprint text
DELETE FROM user_api_keys AS k USING llm_providers p WHERE p.id = k.provider_id AND k.user_id = $1 AND p.provider_slug = $2 RETURNING k.id, k.key_fingerprint;

-- shared/db/user_keys.py: find_key
-- takes unknown, unknown
-- sends ?, 'openai'
-- gives id bigint, provider text, name text, sealed text, suffix text, fingerprint text, enabled boolean, status text, status_reason text, last_checked_at timestamp with time zone, use_policy text, platform_fallback text, total_requests bigint, total_tokens bigint, total_cost_usd numeric(24,12), last_used_at timestamp with time zone, created_at timestamp with time zone, last_rotated_at timestamp with time zone
SELECT k.id, p.provider_slug AS provider, k.key_name AS name, k.encrypted_api_key AS sealed, k.key_suffix AS suffix, k.key_fingerprint AS fingerprint, k.is_active AS enabled, k.status, k.validation_error AS status_reason, k.last_validated_at AS last_checked_at, k.use_policy, k.platform_fallback, k.total_requests, k.total_tokens, k.total_cost_usd, k.last_used_at, k.created_at, k.last_rotated_at FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id WHERE k.user_id = $1 AND p.provider_slug = $2;

-- shared/db/user_keys.py: keys_of
-- takes unknown
-- sends 'test-user'
-- sends ?
-- gives id bigint, provider text, name text, sealed text, suffix text, fingerprint text, enabled boolean, status text, status_reason text, last_checked_at timestamp with time zone, use_policy text, platform_fallback text, total_requests bigint, total_tokens bigint, total_cost_usd numeric(24,12), last_used_at timestamp with time zone, created_at timestamp with time zone, last_rotated_at timestamp with time zone
SELECT k.id, p.provider_slug AS provider, k.key_name AS name, k.encrypted_api_key AS sealed, k.key_suffix AS suffix, k.key_fingerprint AS fingerprint, k.is_active AS enabled, k.status, k.validation_error AS status_reason, k.last_validated_at AS last_checked_at, k.use_policy, k.platform_fallback, k.total_requests, k.total_tokens, k.total_cost_usd, k.last_used_at, k.created_at, k.last_rotated_at FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id WHERE k.user_id = $1 ORDER BY p.id;

-- shared/db/user_keys.py: note_status
-- takes unknown, unknown, unknown, int2, unknown, bool, unknown
-- sends 'invalid', 'invalid', ?, ?, ?, ?, 'invalid'
-- sends 'ok', 'ok', null, ?, ?, ?, 'ok'
UPDATE user_api_keys SET status = $1, is_validated = ($2 = 'ok'), validation_error = $3, last_validated_at = now(), updated_at = now() WHERE id = $4 AND encrypted_api_key = $5 AND NOT ($6 AND status = $7);

-- shared/db/user_keys.py: serving_keys
-- takes unknown
-- sends 'admin'
-- sends 'test-user'
-- sends ?
-- gives id bigint, provider text, sealed text, status text, use_policy text, platform_fallback text
SELECT k.id, p.provider_slug AS provider, k.encrypted_api_key AS sealed, k.status, k.use_policy, k.platform_fallback FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id WHERE k.user_id = $1 AND k.is_active ORDER BY k.id;

-- shared/db/user_keys.py: store_key
-- takes unknown, int2, unknown, unknown, unknown, unknown, unknown, unknown, unknown, timestamptz, unknown, unknown, unknown
-- sends 'test-user', ?, null, ?, ?, ?, ?, 'ok', null, ?, null, null, ?
-- sends ?, ?, ?, ?, ?, ?, ?, 'ok', null, ?, 'only', 'always', ?
-- sends ?, ?, null, ?, ?, ?, ?, 'invalid', ?, ?, null, null, ?
-- gives id bigint, ?column? boolean
INSERT INTO user_api_keys AS held (user_id, provider_id, key_name, encrypted_api_key, encryption_key_id, key_suffix, key_fingerprint, status, is_validated, validation_error, last_validated_at, use_policy, platform_fallback, created_ip) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8 = 'ok', $9, $10, coalesce($11, 'prefer'), coalesce($12, 'never'), $13) ON CONFLICT (user_id, provider_id) DO UPDATE SET key_name = coalesce(excluded.key_name, held.key_name), encrypted_api_key = excluded.encrypted_api_key, encryption_key_id = excluded.encryption_key_id, key_prefix = NULL, key_suffix = excluded.key_suffix, key_fingerprint = excluded.key_fingerprint, is_active = true, status = excluded.status, is_validated = excluded.is_validated, validation_error = excluded.validation_error, last_validated_at = excluded.last_validated_at, use_policy = coalesce($11, held.use_policy), platform_fallback = coalesce($12, held.platform_fallback), last_rotated_at = now(), updated_at = now() RETURNING id, xmax <> 0;

