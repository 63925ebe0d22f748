-- shared/db/known_models.py: _read
-- gives id bigint, provider_slug text, names text[], pattern text, context_window bigint, prices jsonb
SELECT id, provider_slug, names, pattern, context_window, prices FROM known_models ORDER BY id;

-- shared/db/known_models.py: copy_known_models
DELETE FROM known_models;

-- shared/db/known_models.py: copy_known_models
-- takes unknown, unknown, unknown, int2, jsonb, unknown, timestamptz
-- sends 'anthropic', ?, ?, ?, ?, ?, ?
-- sends 'fireworks', ?, null, null, ?, ?, ?
-- sends 'google', ?, ?, ?, ?, ?, ?
-- sends 'groq', ?, null, ?, ?, ?, ?
-- sends 'openai', ?, 'moderation', null, ?, ?, ?
-- sends 'openrouter', ?, ?, ?, ?, ?, ?
-- sends 'together', ?, null, ?, ?, ?, ?
INSERT INTO known_models (provider_slug, names, pattern, context_window, prices, source, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- shared/db/known_models.py: copy_known_models
-- gives source text
SELECT source FROM known_models LIMIT 1;

