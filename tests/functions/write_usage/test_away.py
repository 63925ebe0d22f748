"""An outage of PostgreSQL never takes a sound entry for a poisonous one."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
import pytest
import redis
from msgspec import structs

from functions.write_usage.drain import MAX_DELIVERIES, drain
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import pack_frames
from shared.ledger.quarantine import list_quarantined
from shared.spool.stream import FIELD
from tests.fakes.usage_records import final, intent

Database = psycopg.Connection[Any]
encode = msgspec.msgpack.encode


AWAY = {
    "read-only after a failover": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "ALTER DATABASE {name} RESET default_transaction_read_only",
    ),
    "not migrated yet": (
        "ALTER TABLE llm_usage_logs RENAME COLUMN error_detail TO gone",
        "ALTER TABLE llm_usage_logs RENAME COLUMN gone TO error_detail",
    ),
    "a table that is not there": (
        "ALTER TABLE usage_daily RENAME TO gone",
        "ALTER TABLE gone RENAME TO usage_daily",
    ),
    "out of disk": (
        """
        CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING errcode = '53100', message = 'disk full'; END $$;
        CREATE TRIGGER fails BEFORE INSERT ON usage_daily EXECUTE FUNCTION fails()
        """,
        "DROP TRIGGER fails ON usage_daily; DROP FUNCTION fails",
    ),
    "ending": (
        """
        CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING errcode = '57P01', message = 'ending'; END $$;
        CREATE TRIGGER fails BEFORE INSERT ON usage_daily EXECUTE FUNCTION fails()
        """,
        "DROP TRIGGER fails ON usage_daily; DROP FUNCTION fails",
    ),
}


@pytest.mark.parametrize("fault", AWAY)
def test_however_long_it_takes_every_entry_is_written(
    client: redis.Redis, database: Database, migrated_database_url: str, fault: str
) -> None:
    begin, end = (statement.format(name=database.info.dbname) for statement in AWAY[fault])
    for _ in range(4):
        client.xadd(USAGE_STREAM, {FIELD: pack_frames([encode(final())], ())})
    database.execute(begin.encode())
    connections = ThreadConnections(migrated_database_url)
    for number in range(3 * MAX_DELIVERIES):
        with pytest.raises(psycopg.Error):
            drain(client, connections.get, f"writer {number}", stale_after_ms=0)
    connections.close()
    database.execute("SET default_transaction_read_only = off")
    database.execute(end.encode())
    connections = ThreadConnections(migrated_database_url)
    assert drain(client, connections.get, "heir", stale_after_ms=0) == 4
    assert list_quarantined(connections.get()) == []
    connections.close()


def test_of_an_entry_only_the_record_that_cannot_be_decoded_is_set_aside(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    good, bad, orphan = final(), final(), intent()
    fields = structs.asdict(bad) | {"trace_flags": "no number"}
    broken = encode([*fields.values()])
    client.xadd(USAGE_STREAM, {FIELD: pack_frames([encode(good), broken], [encode(orphan)])})
    assert drain(client, connections.get, "a") == 2
    [held] = list_quarantined(connections.get())
    assert held.error.startswith("ValidationError")
    row = database.execute("SELECT request_id FROM usage_quarantine").fetchone()
    assert row == (bad.request_id,)


def test_without_a_receiver_nothing_waits_for_billing(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    for is_told, waiting in ((False, 0), (True, 1)):
        client.xadd(USAGE_STREAM, {FIELD: pack_frames([encode(final())], ())})
        assert drain(client, connections.get, "a", is_told=is_told) == 1
        found = database.execute("SELECT count(*) FROM usage_outbox").fetchone()
        assert found == (waiting,)
