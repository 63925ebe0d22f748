-- shared/db/system_keys.py: delete_system_key
-- takes unknown
-- sends 'openai'
-- gives id bigint, system_key_fingerprint text
UPDATE llm_providers AS p SET encrypted_system_key = NULL, system_key_encryption_key_id = NULL, system_key_suffix = NULL, system_key_fingerprint = NULL, system_key_status = 'unverified', system_key_reason = NULL, system_key_checked_at = NULL, updated_at = now() FROM llm_providers AS held WHERE held.id = p.id AND p.provider_slug = $1 AND p.encrypted_system_key IS NOT NULL RETURNING p.id, held.system_key_fingerprint;

-- shared/db/system_keys.py: find_system_key
-- takes unknown
-- sends 'fireworks'
-- sends 'groq'
-- sends 'openai'
-- sends 'together'
-- sends ?
-- gives id bigint, provider text, sealed text, suffix text, fingerprint text, status text, status_reason text, last_checked_at timestamp with time zone
SELECT id, provider_slug AS provider, encrypted_system_key AS sealed, system_key_suffix AS suffix, system_key_fingerprint AS fingerprint, system_key_status AS status, system_key_reason AS status_reason, system_key_checked_at AS last_checked_at FROM llm_providers WHERE provider_slug = $1;

-- shared/db/system_keys.py: note_system_key_status
-- takes unknown, unknown, int2
-- sends 'ok', null, ?
UPDATE llm_providers SET system_key_status = $1, system_key_reason = $2, system_key_checked_at = now(), updated_at = now() WHERE id = $3;

-- shared/db/system_keys.py: store_system_key
-- takes unknown, unknown, unknown, unknown, unknown, unknown, timestamptz, int2
-- sends ?, ?, ?, ?, 'invalid', ?, ?, ?
-- sends ?, ?, ?, ?, 'ok', null, ?, ?
-- sends ?, ?, ?, ?, 'unverified', ?, ?, ?
UPDATE llm_providers SET encrypted_system_key = $1, system_key_encryption_key_id = $2, system_key_suffix = $3, system_key_fingerprint = $4, system_key_status = $5, system_key_reason = $6, system_key_checked_at = $7, updated_at = now() WHERE id = $8;

-- shared/db/system_keys.py: system_keys
-- gives id bigint, provider text, sealed text, suffix text, fingerprint text, status text, status_reason text, last_checked_at timestamp with time zone
SELECT id, provider_slug AS provider, encrypted_system_key AS sealed, system_key_suffix AS suffix, system_key_fingerprint AS fingerprint, system_key_status AS status, system_key_reason AS status_reason, system_key_checked_at AS last_checked_at FROM llm_providers ORDER BY id;

