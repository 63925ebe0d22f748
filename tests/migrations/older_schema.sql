-- The five tables as an older system made them, with what such a system holds.
CREATE TABLE llm_providers (
    id SERIAL PRIMARY KEY,
    provider_name VARCHAR(100) NOT NULL UNIQUE,
    provider_slug VARCHAR(100) NOT NULL UNIQUE,
    display_name VARCHAR(200) NOT NULL,
    description TEXT,
    base_url VARCHAR(500),
    auth_type VARCHAR(50) DEFAULT 'bearer',
    supports_streaming BOOLEAN DEFAULT TRUE,
    supports_function_calling BOOLEAN DEFAULT FALSE,
    supports_vision BOOLEAN DEFAULT FALSE,
    rate_limit_rpm INTEGER,
    rate_limit_tpm INTEGER,
    rate_limit_rpd INTEGER,
    is_active BOOLEAN DEFAULT TRUE,
    is_byok_supported BOOLEAN DEFAULT TRUE,
    api_key_format VARCHAR(100),
    documentation_url VARCHAR(500),
    health_status VARCHAR(20) DEFAULT 'unknown',
    health_last_checked TIMESTAMP,
    health_response_time_ms INTEGER,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE llm_models (
    id SERIAL PRIMARY KEY,
    provider_id INTEGER NOT NULL REFERENCES llm_providers(id) ON DELETE CASCADE,
    model_name VARCHAR(200) NOT NULL,
    model_id VARCHAR(200) NOT NULL,
    display_name VARCHAR(200) NOT NULL,
    max_tokens INTEGER,
    context_window INTEGER,
    supports_streaming BOOLEAN DEFAULT TRUE,
    cost_per_1m_input_tokens DECIMAL(10,6),
    cost_per_1m_output_tokens DECIMAL(10,6),
    cost_per_1m_tokens_cached DECIMAL(10,6),
    power_level VARCHAR(20),
    power_level_priority INTEGER DEFAULT 999,
    is_active BOOLEAN DEFAULT TRUE,
    is_deprecated BOOLEAN DEFAULT FALSE,
    deprecation_date TIMESTAMP,
    min_tier_required VARCHAR(50) DEFAULT 'free',
    avg_latency_ms INTEGER,
    avg_tokens_per_second DECIMAL(10,2),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (provider_id, model_name)
);
CREATE INDEX idx_llm_models_power_level ON llm_models(power_level);

CREATE TABLE user_api_keys (
    id SERIAL PRIMARY KEY,
    user_id VARCHAR(255) NOT NULL,
    provider_id INTEGER NOT NULL REFERENCES llm_providers(id) ON DELETE CASCADE,
    key_name VARCHAR(200),
    encrypted_api_key TEXT NOT NULL,
    key_prefix VARCHAR(20),
    key_suffix VARCHAR(20),
    is_active BOOLEAN DEFAULT TRUE,
    is_validated BOOLEAN DEFAULT FALSE,
    validation_error TEXT,
    last_validated_at TIMESTAMP,
    total_requests INTEGER DEFAULT 0,
    total_tokens BIGINT DEFAULT 0,
    total_cost_usd DECIMAL(10,6) DEFAULT 0.00,
    last_used_at TIMESTAMP,
    created_ip INET,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (user_id, provider_id)
);

CREATE TABLE llm_routing_rules (
    id SERIAL PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES llm_models(id) ON DELETE CASCADE,
    power_level VARCHAR(20) NOT NULL CHECK (power_level IN ('eco', 'balanced', 'precision')),
    user_tier VARCHAR(50) NOT NULL,
    task_type VARCHAR(50),
    priority INTEGER DEFAULT 100,
    weight INTEGER DEFAULT 100,
    is_fallback BOOLEAN DEFAULT FALSE,
    is_active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE llm_usage_logs (
    id BIGSERIAL PRIMARY KEY,
    request_id VARCHAR(100),
    user_id VARCHAR(255) NOT NULL,
    provider_id INTEGER REFERENCES llm_providers(id),
    model_id INTEGER REFERENCES llm_models(id),
    user_key_id INTEGER REFERENCES user_api_keys(id),
    power_level VARCHAR(20),
    prompt_tokens INTEGER DEFAULT 0,
    completion_tokens INTEGER DEFAULT 0,
    total_tokens INTEGER DEFAULT 0,
    cost_input_usd DECIMAL(10,6),
    cost_output_usd DECIMAL(10,6),
    cost_total_usd DECIMAL(10,6),
    used_byok BOOLEAN DEFAULT FALSE,
    latency_ms INTEGER,
    status_code INTEGER,
    error_message TEXT,
    was_fallback BOOLEAN,
    lago_event_id VARCHAR(100),
    billed_at TIMESTAMP,
    request_ip INET,
    user_agent TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_llm_usage_logs_user ON llm_usage_logs(user_id, created_at);

INSERT INTO llm_providers
    (id, provider_name, provider_slug, display_name, base_url, health_last_checked, is_active,
     created_at)
VALUES
    (3, 'Anthropic', 'anthropic', 'Anthropic', NULL, '2025-10-23 10:15:00', NULL,
     '2025-10-01 00:00:00'),
    (9, 'House', 'house', 'In the house', 'http://10.0.0.9:8000/v1', NULL, TRUE,
     '2025-10-01 00:00:00');
SELECT setval('llm_providers_id_seq', 9);

INSERT INTO llm_models
    (id, provider_id, model_name, model_id, display_name, cost_per_1m_input_tokens,
     cost_per_1m_output_tokens, power_level, power_level_priority)
VALUES
    (5, 3, 'claude-old', 'claude-old-1', 'Claude Old', 3.000000, 15.000000, 'precision', 1),
    (6, 9, 'house-model', 'house-model', 'House', NULL, NULL, 'eco', 1);
SELECT setval('llm_models_id_seq', 6);

INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, total_cost_usd, created_ip)
VALUES ('ada', 3, 'gAAAAA-sealed', 1.234567, '192.0.2.7');

INSERT INTO llm_routing_rules (model_id, power_level, user_tier) VALUES (5, 'precision', 'all');

INSERT INTO llm_usage_logs
    (request_id, user_id, provider_id, model_id, prompt_tokens, completion_tokens, total_tokens,
     cost_total_usd, was_fallback, request_ip, created_at)
SELECT
    CASE WHEN n % 10 = 0 THEN NULL WHEN n % 10 = 1 THEN 'said-twice' ELSE 'req_' || n END,
    'ada', 3, 5, n, 1, n + 1, 0.000001 * n,
    CASE WHEN n % 2 = 0 THEN TRUE END, '192.0.2.8',
    timestamp '2025-09-30 23:30:00' + n * interval '1 hour'
FROM generate_series(1, 200) AS n;
