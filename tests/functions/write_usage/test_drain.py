"""Whatever happens to a writer, each record that was in the stream becomes a row, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import redis
from structlog.testing import capture_logs

from functions.write_usage.drain import MAX_DELIVERIES, drain
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import Batch, decode_batch, encode_batch
from shared.ledger.quarantine import list_quarantined, retry_quarantined
from shared.ledger.record import UsageFinal, UsageIntent
from shared.ledger.rows import write_batch
from shared.spool.stream import FIELD, GROUP, StreamConsumer
from tests.fakes.usage_records import final, intent

Database = psycopg.Connection[Any]


def ship(client: redis.Redis, *records: UsageFinal | UsageIntent) -> bytes:
    finals = tuple(record for record in records if isinstance(record, UsageFinal))
    orphans = tuple(record for record in records if isinstance(record, UsageIntent))
    return client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch(finals, orphans))})


def request_ids(database: Database) -> list[str]:
    return [row[0] for row in database.execute("SELECT request_id FROM llm_usage_logs")]


def counted(database: Database) -> int:
    row = database.execute("SELECT coalesce(sum(requests), 0)::int FROM usage_daily").fetchone()
    assert row is not None
    return int(row[0])


def quarantined(database: Database) -> list[tuple[str, bytes, str]]:
    return database.execute(
        "SELECT stream_id, payload, error FROM usage_quarantine ORDER BY id"
    ).fetchall()


def pending(client: redis.Redis) -> int:
    return int(client.xpending(USAGE_STREAM, GROUP)["pending"])


def assert_settled(client: redis.Redis) -> None:
    assert client.xlen(USAGE_STREAM) == 0
    assert pending(client) == 0


def assert_each_once(database: Database, records: list[UsageFinal]) -> None:
    assert sorted(request_ids(database)) == sorted(record.request_id for record in records)
    assert counted(database) == len(records)


def test_everything_that_waits_is_written_and_leaves_the_stream(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(60)]
    for at in range(0, 60, 3):
        ship(client, *records[at : at + 3])
    assert drain(client, connections.get, "a") == 60
    assert_each_once(database, records)
    assert_settled(client)


def test_an_empty_stream_is_drained_at_once_and_again(
    client: redis.Redis, connections: ThreadConnections
) -> None:
    assert drain(client, connections.get, "a") == 0
    assert drain(client, connections.get, "a") == 0


def test_an_entry_shipped_twice_is_written_once(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    record, orphan = final(), intent()
    ship(client, record, orphan)
    ship(client, orphan, record)
    assert drain(client, connections.get, "a") == 2
    ship(client, record)
    assert drain(client, connections.get, "a") == 0
    assert counted(database) == 2
    assert_settled(client)


@pytest.mark.parametrize("position", [0, 7, 19])
def test_a_record_at_fault_is_set_aside_and_the_others_are_written(
    client: redis.Redis, connections: ThreadConnections, database: Database, position: int
) -> None:
    good = [final() for _ in range(40)]
    poison = final(latency_ms=2**31)
    shipped = [*good[:20][:position], poison, *good[:20][position:]]
    stream_id = ship(client, *shipped).decode()
    ship(client, *good[20:])
    with capture_logs() as logs:
        assert drain(client, connections.get, "a") == 40
    assert_each_once(database, good)
    [(held_id, payload, error)] = quarantined(database)
    assert held_id == stream_id
    assert decode_batch(payload) == Batch((poison,), ())
    assert "out of range" in error
    assert [
        (line["event"], line["log_level"], line["request_id"])
        for line in logs
        if line["event"] == "usage.quarantined"
    ] == [("usage.quarantined", "error", poison.request_id)]
    assert_settled(client)


def test_an_orphan_at_fault_is_set_aside_too(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    orphan = intent(request_id="no-uuid")
    ship(client, orphan)
    assert drain(client, connections.get, "a") == 0
    assert [decode_batch(payload) for _, payload, _ in quarantined(database)] == [
        Batch((), (orphan,))
    ]


@pytest.mark.parametrize(
    "fields", [{FIELD: b"\xc1 no batch"}, {b"other": b"field"}], ids=["no msgpack", "no field"]
)
def test_an_entry_that_is_no_batch_is_set_aside_whole(
    client: redis.Redis,
    connections: ThreadConnections,
    database: Database,
    fields: dict[bytes, bytes],
) -> None:
    record = final()
    stream_id = client.xadd(USAGE_STREAM, fields)
    ship(client, record)
    assert drain(client, connections.get, "a") == 1
    [(held_id, payload, error)] = quarantined(database)
    assert (held_id, error.split(":")[0]) in {
        (stream_id.decode(), "DecodeError"),
        (stream_id.decode(), "ValidationError"),
    }
    assert all(value in payload for value in fields.values())
    assert_settled(client)


def test_an_entry_that_five_writers_died_of_is_set_aside_unread_and_can_be_written_later(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    record, after = final(), final()
    ship(client, record)
    for number in range(MAX_DELIVERIES):
        stream = StreamConsumer(client, f"dead {number}")
        stream.ensure_group()
        if number == 0:
            assert len(stream.unread(1)) == 1
        else:
            assert len([*stream.claim_stale(1, 0)]) == 1
    ship(client, after)
    with capture_logs() as logs:
        assert drain(client, connections.get, "heir", stale_after_ms=0) == 1
    assert_each_once(database, [after])
    assert_settled(client)
    [alert] = [line for line in logs if line["log_level"] == "error"]
    assert alert["event"] == "usage.quarantined"
    [held] = list_quarantined(database)
    assert held.error.startswith("TooOftenDelivered")
    assert retry_quarantined(database, held.id) is None
    assert_each_once(database, [record, after])
    assert list_quarantined(database) == []
    assert retry_quarantined(database, held.id) == "there is no such open entry"


def test_an_entry_that_four_writers_died_of_is_written(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    record = final()
    ship(client, record)
    stream = StreamConsumer(client, "dead")
    stream.ensure_group()
    stream.unread(1)
    for _ in range(MAX_DELIVERIES - 2):
        assert len([*stream.claim_stale(1, 0)]) == 1
    assert drain(client, connections.get, "heir", stale_after_ms=0) == 1
    assert_each_once(database, [record])


def test_where_postgresql_goes_away_nothing_is_settled_and_all_is_written_later(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(10)]
    ship(client, *records[:5])
    ship(client, *records[5:])

    def broken() -> psycopg.Connection[Any]:
        connection = connections.get()
        database.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        return connection

    with pytest.raises(psycopg.OperationalError):
        drain(client, broken, "a")
    assert (client.xlen(USAGE_STREAM), pending(client)) == (2, 2)
    assert request_ids(database) == []
    assert drain(client, connections.get, "a") == 10
    assert_each_once(database, records)
    assert_settled(client)


def test_a_writer_that_died_after_its_commit_has_written_once(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(4)]
    ship(client, *records)
    stream = StreamConsumer(client, "dead")
    stream.ensure_group()
    assert len(stream.unread(10)) == 1
    write_batch(connections.get(), records, [])
    assert drain(client, connections.get, "heir", stale_after_ms=0) == 0
    assert_each_once(database, records)
    assert_settled(client)


def test_what_a_dead_writer_held_is_taken_over_and_what_a_live_one_holds_is_not(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(30)]
    for record in records:
        ship(client, record)
    other = StreamConsumer(client, "other")
    other.ensure_group()
    assert len(other.unread(30)) == 30
    assert drain(client, connections.get, "heir") == 0
    assert pending(client) == 30
    assert drain(client, connections.get, "heir", stale_after_ms=0) == 30
    assert_each_once(database, records)
    assert_settled(client)


def test_an_entry_that_was_deleted_while_pending_is_forgotten(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    deleted, kept = ship(client, final()), final()
    ship(client, kept)
    stream = StreamConsumer(client, "a")
    stream.ensure_group()
    stream.unread(10)
    client.xdel(USAGE_STREAM, deleted)
    assert drain(client, connections.get, "a") == 1
    assert_each_once(database, [kept])
    assert quarantined(database) == []
    assert_settled(client)


def test_a_poisoned_entry_delivered_again_is_set_aside_once(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    poison = final(latency_ms=2**31)
    ship(client, poison)

    class DiesBeforeItSettles(redis.Redis):
        def pipeline(self, *_: Any, **__: Any) -> Any:
            raise redis.ConnectionError("killed")

    dying = DiesBeforeItSettles.from_url(client_url(client))
    with dying, pytest.raises(redis.ConnectionError):
        drain(dying, connections.get, "a")
    assert drain(client, connections.get, "a") == 0
    assert len(quarantined(database)) == 1
    assert_settled(client)


def client_url(client: redis.Redis) -> str:
    arguments = client.get_connection_kwargs()
    return f"redis://{arguments['host']}:{arguments['port']}/{arguments['db']}"


def test_two_drains_at_once_write_each_record_once(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(600)]
    for at in range(0, 600, 10):
        ship(client, *records[at : at + 10], records[at - 1])
    with ThreadPoolExecutor(2) as pool:
        drains = [pool.submit(drain, client, connections.get, name) for name in ("a", "b")]
        assert sum(done.result() for done in drains) == 600
    assert_each_once(database, records)
    assert_settled(client)


def test_a_long_stream_is_left_after_the_longest_time_for_the_next_drain(
    client: redis.Redis, connections: ThreadConnections, database: Database
) -> None:
    records = [final() for _ in range(3)]
    for record in records:
        ship(client, record)
    stream = StreamConsumer(client, "a")
    stream.ensure_group()
    stream.unread(10)
    assert drain(client, connections.get, "a", longest_s=0) == 1
    assert drain(client, connections.get, "a") == 2
    assert_each_once(database, records)
