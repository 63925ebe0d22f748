-- shared/db/read_catalogue.py: _rows
-- gives id bigint, provider_id bigint, model_name text, model_id text, display_name text, description text, max_tokens bigint, context_window bigint, supports_streaming boolean, supports_function_calling boolean, supports_vision boolean, supports_json_mode boolean, cost_per_1m_input_tokens numeric(24,12), cost_per_1m_output_tokens numeric(24,12), cost_per_1m_tokens_cached numeric(24,12), cost_per_1m_tokens_cache_write numeric(24,12), price_source text, price_checked_at timestamp with time zone, power_level text, power_level_priority integer, is_active boolean, is_deprecated boolean, deprecation_date timestamp with time zone, replacement_model_id text, min_tier_required text, avg_latency_ms integer, avg_tokens_per_second numeric, created_at timestamp with time zone, updated_at timestamp with time zone
SELECT * FROM llm_models ORDER BY id;

-- shared/db/read_catalogue.py: _rows
-- gives id bigint, provider_name text, provider_slug text, display_name text, description text, base_url text, dialect text, auth_type text, litellm_prefix text, is_local boolean, supports_streaming boolean, supports_function_calling boolean, supports_vision boolean, rate_limit_rpm integer, rate_limit_tpm bigint, rate_limit_rpd integer, is_active boolean, is_byok_supported boolean, is_system_provider boolean, encrypted_system_key text, api_key_format text, documentation_url text, pricing_url text, status_page_url text, health_status text, health_last_checked timestamp with time zone, health_response_time_ms integer, health_reason text, min_tier_required text, created_at timestamp with time zone, updated_at timestamp with time zone, system_key_status text, system_key_reason text, system_key_checked_at timestamp with time zone, system_key_suffix text, system_key_fingerprint text, system_key_encryption_key_id text
SELECT * FROM llm_providers ORDER BY id;

-- shared/db/read_catalogue.py: _rows
-- gives id bigint, model_id bigint, power_level text, user_tier text, task_type text, priority integer, weight integer, min_tokens bigint, max_tokens bigint, requires_byok boolean, is_fallback boolean, fallback_order integer, is_active boolean, created_at timestamp with time zone, updated_at timestamp with time zone
SELECT * FROM llm_routing_rules WHERE is_active ORDER BY id;

-- shared/db/read_catalogue.py: _rows
-- gives name text, rank integer, price_ceiling_usd_per_mtok numeric(24,12), ttft_target_ms integer, may_change_level boolean, default_max_tokens integer, default_temperature numeric, updated_at timestamp with time zone
SELECT * FROM power_levels ORDER BY rank;

-- shared/db/read_catalogue.py: _rows
-- gives id bigint, model_id bigint, version integer, valid_from timestamp with time zone, source text, checked_at timestamp with time zone, prices jsonb
SELECT DISTINCT ON (model_id) * FROM model_prices ORDER BY model_id, version DESC;

-- shared/db/read_catalogue.py: read_versions
-- gives catalogue bigint, tokens bigint, keys bigint, limits bigint
SELECT catalogue, tokens, keys, limits FROM versions WHERE id = 1;

