-- shared/db/routing_rules.py: _insert
-- takes int2, unknown, unknown, unknown, int2, int2, int2, unknown, bool, bool, unknown, bool
-- sends ?, 'balanced', 'all', ?, ?, ?, null, null, ?, ?, null, ?
-- sends ?, 'balanced', 'professional', null, ?, ?, null, null, ?, ?, null, ?
-- sends ?, 'eco', 'all', 'code', ?, ?, ?, null, ?, ?, null, ?
-- sends ?, ?, 'all', null, ?, ?, null, null, ?, ?, null, ?
-- gives id bigint
INSERT INTO "llm_routing_rules" ("model_id", "power_level", "user_tier", "task_type", "priority", "weight", "min_tokens", "max_tokens", "requires_byok", "is_fallback", "fallback_order", "is_active") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING "id";

-- shared/db/routing_rules.py: _insert
-- takes unknown, int2, numeric, int2, bool, unknown, unknown
-- sends ?, ?, ?, ?, ?, null, null
-- gives rank integer
INSERT INTO "power_levels" ("name", "rank", "price_ceiling_usd_per_mtok", "ttft_target_ms", "may_change_level", "default_max_tokens", "default_temperature") VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING "rank";

-- shared/db/routing_rules.py: _update
-- takes int2, unknown, unknown, unknown, int2, int2, unknown, unknown, bool, bool, unknown, bool, int2
-- sends ?, 'balanced', 'all', ?, ?, ?, null, null, ?, ?, null, ?, ?
-- sends ?, 'eco', 'all', 'code', ?, ?, null, null, ?, ?, null, ?, ?
UPDATE "llm_routing_rules" SET "model_id" = $1, "power_level" = $2, "user_tier" = $3, "task_type" = $4, "priority" = $5, "weight" = $6, "min_tokens" = $7, "max_tokens" = $8, "requires_byok" = $9, "is_fallback" = $10, "fallback_order" = $11, "is_active" = $12, updated_at = now() WHERE "id" = $13;

-- shared/db/routing_rules.py: _update
-- takes numeric, unknown
-- sends ?, ?
UPDATE "power_levels" SET "default_temperature" = $1, updated_at = now() WHERE "name" = $2;

-- shared/db/routing_rules.py: _update
-- takes int2, unknown
-- sends ?, ?
UPDATE "power_levels" SET "ttft_target_ms" = $1, updated_at = now() WHERE "name" = $2;

-- shared/db/routing_rules.py: delete_level
-- takes unknown
-- sends ?
DELETE FROM power_levels WHERE name = $1;

-- shared/db/routing_rules.py: delete_rule
-- takes int2
-- sends ?
DELETE FROM llm_routing_rules WHERE id = $1;

-- shared/db/routing_rules.py: find_rule
-- takes int2
-- sends ?
-- gives id bigint, model text, provider text, power_level text, user_tier text, task_type text, priority integer, weight integer, min_tokens bigint, max_tokens bigint, requires_byok boolean, is_fallback boolean, fallback_order integer, is_active boolean, created_at timestamp with time zone, updated_at timestamp with time zone
SELECT r.id, m.model_id AS model, p.provider_slug AS provider, r.power_level, r.user_tier, r.task_type, r.priority, r.weight, r.min_tokens, r.max_tokens, r.requires_byok, r.is_fallback, r.fallback_order, r.is_active, r.created_at, r.updated_at FROM llm_routing_rules r JOIN llm_models m ON m.id = r.model_id JOIN llm_providers p ON p.id = m.provider_id WHERE r.id = $1;

-- shared/db/routing_rules.py: find_rules_models
-- takes unknown
-- sends 'gpt-6.1-terra'
-- sends ?
-- gives id bigint, provider text, model text, is_active boolean, provider_is_active boolean, is_byok_supported boolean, context_window bigint
SELECT m.id, p.provider_slug AS provider, m.model_id AS model, m.is_active, p.is_active AS provider_is_active, p.is_byok_supported, m.context_window FROM llm_models m JOIN llm_providers p ON p.id = m.provider_id WHERE m.model_id = $1 OR p.provider_slug || '/' || m.model_id = $1 ORDER BY (m.model_id = $1) DESC, p.id, m.id;

-- shared/db/routing_rules.py: list_levels
-- gives name text, rank integer, price_ceiling_usd_per_mtok numeric(24,12), ttft_target_ms integer, may_change_level boolean, default_max_tokens integer, default_temperature numeric, updated_at timestamp with time zone
SELECT name, rank, price_ceiling_usd_per_mtok, ttft_target_ms, may_change_level, default_max_tokens, default_temperature, updated_at FROM power_levels ORDER BY rank, name;

-- shared/db/routing_rules.py: list_rules
-- gives id bigint, model text, provider text, power_level text, user_tier text, task_type text, priority integer, weight integer, min_tokens bigint, max_tokens bigint, requires_byok boolean, is_fallback boolean, fallback_order integer, is_active boolean, created_at timestamp with time zone, updated_at timestamp with time zone
SELECT r.id, m.model_id AS model, p.provider_slug AS provider, r.power_level, r.user_tier, r.task_type, r.priority, r.weight, r.min_tokens, r.max_tokens, r.requires_byok, r.is_fallback, r.fallback_order, r.is_active, r.created_at, r.updated_at FROM llm_routing_rules r JOIN llm_models m ON m.id = r.model_id JOIN llm_providers p ON p.id = m.provider_id LEFT JOIN power_levels l ON l.name = r.power_level ORDER BY l.rank, r.power_level, r.is_fallback, r.fallback_order, r.priority DESC, r.weight DESC, r.id;

-- shared/db/routing_rules.py: users_of_level
-- takes unknown
-- sends ?
-- gives count bigint, count bigint
SELECT (SELECT count(*) FROM llm_routing_rules WHERE power_level = $1), (SELECT count(*) FROM llm_models WHERE power_level = $1);

