-- shared/db/models.py: add_price
-- takes int2, timestamptz, unknown, timestamptz, jsonb, int2
-- sends ?, ?, 'admin', ?, ?, ?
-- sends ?, ?, ?, ?, ?, ?
-- gives version integer
INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices) SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 FROM model_prices WHERE model_id = $6 RETURNING version;

-- shared/db/models.py: add_price
-- takes numeric, numeric, numeric, numeric, unknown, timestamptz, int2
-- sends ?, ?, ?, ?, ?, ?, ?
-- sends ?, ?, null, null, 'admin', ?, ?
UPDATE llm_models SET cost_per_1m_input_tokens = $1, cost_per_1m_output_tokens = $2, cost_per_1m_tokens_cached = $3, cost_per_1m_tokens_cache_write = $4, price_source = $5, price_checked_at = $6, updated_at = now() WHERE id = $7;

-- shared/db/models.py: change_model
-- takes unknown, int2
-- sends ?, ?
UPDATE llm_models SET "display_name" = $1, updated_at = now() WHERE id = $2;

-- shared/db/models.py: change_model
-- takes bool, int2
-- sends ?, ?
UPDATE llm_models SET "is_active" = $1, updated_at = now() WHERE id = $2;

-- shared/db/models.py: change_model
-- takes unknown, bool, timestamptz, int2
-- sends null, ?, ?, ?
UPDATE llm_models SET "power_level" = $1, "is_active" = $2, "deprecation_date" = $3, updated_at = now() WHERE id = $4;

-- shared/db/models.py: count_of
-- takes unknown, unknown
-- sends 'groq', ?
-- sends 'openai', ?
-- sends ?, 'm'
-- gives count bigint
SELECT count(*) FROM llm_models m JOIN llm_providers p ON p.id = m.provider_id WHERE p.provider_slug = $1 AND m.model_id = $2;

-- shared/db/models.py: create_model
-- takes int2, unknown, unknown, unknown, unknown, int2, bool
-- sends ?, ?, ?, ?, ?, ?, ?
-- sends ?, ?, ?, ?, null, null, ?
-- gives id bigint
INSERT INTO llm_models (provider_id, "model_id", "model_name", "display_name", "description", "context_window", "is_active") VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- shared/db/models.py: create_model
-- takes int2, unknown, int2, unknown, unknown
-- sends ?, ?, ?, 'eco', ?
-- gives id bigint
INSERT INTO llm_models (provider_id, "model_name", "context_window", "power_level", "model_id") VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- shared/db/models.py: create_model
-- takes int2, unknown, unknown
-- sends ?, 'm', 'm'
-- sends ?, ?, ?
-- gives id bigint
INSERT INTO llm_models (provider_id, "model_name", "model_id") VALUES ($1, $2, $3) RETURNING id;

-- shared/db/models.py: create_model
-- takes unknown
-- sends 'anthropic'
-- sends 'fireworks'
-- sends 'google'
-- sends 'groq'
-- sends 'openai'
-- sends 'openrouter'
-- sends 'together'
-- sends ?
-- gives id bigint
SELECT id FROM llm_providers WHERE provider_slug = $1 FOR UPDATE;

-- shared/db/models.py: delete_model
-- takes int2
-- sends ?
DELETE FROM llm_models WHERE id = $1;

-- shared/db/models.py: find_model
-- takes int2
-- sends ?
-- gives row jsonb
SELECT jsonb_build_object('id', "m"."id", 'provider', (SELECT provider_slug FROM llm_providers WHERE id = m.provider_id), 'model_id', "m"."model_id", 'name', "m"."model_name", 'display_name', "m"."display_name", 'description', "m"."description", 'max_tokens', "m"."max_tokens", 'context_window', "m"."context_window", 'supports_streaming', "m"."supports_streaming", 'supports_function_calling', "m"."supports_function_calling", 'supports_vision', "m"."supports_vision", 'supports_json_mode', "m"."supports_json_mode", 'power_level', "m"."power_level", 'power_level_priority', "m"."power_level_priority", 'is_active', "m"."is_active", 'is_deprecated', "m"."is_deprecated", 'deprecation_date', "m"."deprecation_date", 'replacement_model_id', "m"."replacement_model_id", 'min_tier', "m"."min_tier_required", 'price', (SELECT jsonb_build_object('version', version, 'prices', prices, 'source', source, 'valid_from', valid_from, 'checked_at', checked_at) FROM model_prices WHERE model_id = m.id ORDER BY version DESC LIMIT 1), 'created_at', "m"."created_at", 'updated_at', "m"."updated_at") AS row FROM llm_models m WHERE m.id = $1 FOR UPDATE;

-- shared/db/models.py: has_power_level
-- takes unknown
-- sends 'eco'
-- sends ?
-- gives ?column? integer
SELECT 1 FROM power_levels WHERE name = $1;

-- shared/db/models.py: list_models
-- takes unknown
-- sends 'anthropic'
-- sends 'fireworks'
-- sends 'google'
-- sends 'groq'
-- sends 'openai'
-- sends 'openrouter'
-- sends 'together'
-- gives row jsonb
SELECT jsonb_build_object('id', "m"."id", 'provider', (SELECT provider_slug FROM llm_providers WHERE id = m.provider_id), 'model_id', "m"."model_id", 'name', "m"."model_name", 'display_name', "m"."display_name", 'description', "m"."description", 'max_tokens', "m"."max_tokens", 'context_window', "m"."context_window", 'supports_streaming', "m"."supports_streaming", 'supports_function_calling', "m"."supports_function_calling", 'supports_vision', "m"."supports_vision", 'supports_json_mode', "m"."supports_json_mode", 'power_level', "m"."power_level", 'power_level_priority', "m"."power_level_priority", 'is_active', "m"."is_active", 'is_deprecated', "m"."is_deprecated", 'deprecation_date', "m"."deprecation_date", 'replacement_model_id', "m"."replacement_model_id", 'min_tier', "m"."min_tier_required", 'price', (SELECT jsonb_build_object('version', version, 'prices', prices, 'source', source, 'valid_from', valid_from, 'checked_at', checked_at) FROM model_prices WHERE model_id = m.id ORDER BY version DESC LIMIT 1), 'created_at', "m"."created_at", 'updated_at', "m"."updated_at") AS row FROM llm_models m WHERE m.provider_id = (SELECT id FROM llm_providers WHERE provider_slug = $1) ORDER BY m.id;

-- shared/db/models.py: uses_of
-- takes int2
-- sends ?
-- gives ?column? integer
SELECT 1 FROM usage_daily WHERE model_id = $1 LIMIT 1;

-- shared/db/models.py: uses_of
-- takes int2
-- sends ?
-- gives count bigint
SELECT count(*) FROM llm_routing_rules WHERE model_id = $1;

