-- shared/db/connect.py: ping
-- gives ?column? integer
-- prepared
SELECT 1;

