-- shared/db/sealed_keys.py: count_sealed
-- takes bool, unknown
-- sends ?, ?
-- sends ?, null
-- gives count bigint
SELECT count(*) FROM llm_providers WHERE encrypted_system_key IS NOT NULL AND ($1 OR system_key_encryption_key_id IS DISTINCT FROM $2);

-- shared/db/sealed_keys.py: count_sealed
-- takes bool, unknown
-- sends ?, ?
-- sends ?, null
-- gives count bigint
SELECT count(*) FROM user_api_keys WHERE $1 OR encryption_key_id IS DISTINCT FROM $2;

-- shared/db/sealed_keys.py: read_sealed
-- takes int2, bool, unknown, int2
-- sends ?, ?, ?, ?
-- sends ?, ?, null, ?
-- gives id bigint, user_id text, provider text, base_url text, sealed text, key_id text
SELECT id, NULL AS user_id, provider_slug AS provider, base_url, encrypted_system_key AS sealed, system_key_encryption_key_id AS key_id FROM llm_providers WHERE encrypted_system_key IS NOT NULL AND id > $1 AND ($2 OR system_key_encryption_key_id IS DISTINCT FROM $3) ORDER BY id LIMIT $4;

-- shared/db/sealed_keys.py: read_sealed
-- takes int2, bool, unknown, int2
-- sends ?, ?, ?, ?
-- sends ?, ?, null, ?
-- gives id bigint, user_id text, provider text, base_url text, sealed text, key_id text
SELECT k.id, k.user_id, p.provider_slug AS provider, p.base_url, k.encrypted_api_key AS sealed, k.encryption_key_id AS key_id FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id WHERE k.id > $1 AND ($2 OR k.encryption_key_id IS DISTINCT FROM $3) ORDER BY k.id LIMIT $4;

-- shared/db/sealed_keys.py: write_resealed
-- takes int2[], unknown, unknown, unknown, unknown, unknown
-- sends ?, ?, ?, ?, ?, ?
UPDATE llm_providers AS p SET encrypted_system_key = new.after, system_key_encryption_key_id = new.key_id, system_key_suffix = coalesce(new.suffix, p.system_key_suffix), system_key_fingerprint = coalesce(new.fingerprint, p.system_key_fingerprint), updated_at = now() FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS new (id, before, after, key_id, suffix, fingerprint) WHERE p.id = new.id AND p.encrypted_system_key = new.before;

-- shared/db/sealed_keys.py: write_resealed
-- takes int2[], unknown, unknown, unknown, unknown, unknown
-- sends ?, ?, ?, ?, ?, ?
UPDATE user_api_keys AS k SET encrypted_api_key = new.after, encryption_key_id = new.key_id, key_suffix = coalesce(new.suffix, k.key_suffix), key_fingerprint = coalesce(new.fingerprint, k.key_fingerprint), updated_at = now() FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS new (id, before, after, key_id, suffix, fingerprint) WHERE k.id = new.id AND k.encrypted_api_key = new.before;

