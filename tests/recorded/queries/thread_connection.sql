-- shared/db/thread_connection.py: _answers
-- gives ?column? integer
SELECT 1;

