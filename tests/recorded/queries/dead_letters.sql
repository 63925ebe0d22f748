-- shared/db/dead_letters.py: keep_dead_letter
-- takes unknown, unknown, unknown, jsonb, unknown
-- sends ?, ?, 'job', ?, ?
INSERT INTO dead_letters (message_id, queue, actor, message, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (message_id) DO NOTHING;

-- shared/db/dead_letters.py: trim_dead_letters
-- takes int2
-- sends ?
DELETE FROM dead_letters WHERE created_at < now() - make_interval(days => $1);

