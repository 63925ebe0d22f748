-- shared/db/connect.py: ping
-- gives ?column? integer
SELECT 1;

