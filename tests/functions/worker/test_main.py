"""The worker as the Procfile runs it, killed where it hurts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql

from shared.jobs import PREPARE_PARTITIONS, WRITE_USAGE, Dispatch
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.partitions import PARTITION_SCHEMA
from shared.ledger.record import UsageFinal
from shared.ledger.rows import _LOCK  # pyright: ignore[reportPrivateUsage]
from shared.spool.stream import FIELD, GROUP
from tests.fakes.usage_records import final

DRAMATIQ = Path(sys.executable).with_name("dramatiq")


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client
        client.client_unpause()


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def start_worker(
    redis_url: str, migrated_database_url: str, tmp_path: Path
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [DRAMATIQ, "functions.worker.main", "--processes", "1", "--threads", "2"],
                env={**os.environ, "DATABASE_URL": migrated_database_url, "REDIS_URL": redis_url},
                stderr=log,
                start_new_session=True,
            )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        kill(worker)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """The worker and all its children at once, as a machine that loses power would."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def wait_until(what: Callable[[], bool], *, at_most_s: float = 40) -> None:
    deadline = time.monotonic() + at_most_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def nudge(redis_url: str) -> None:
    dispatch = Dispatch(redis_url)
    dispatch.enqueue(WRITE_USAGE)
    dispatch.close()


def ship(client: redis.Redis, records: list[UsageFinal]) -> None:
    for at in range(0, len(records), 50):
        client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch(tuple(records[at : at + 50]), ()))})


def pending(client: redis.Redis) -> int:
    return sum(int(group["pending"]) for group in client.xinfo_groups(USAGE_STREAM))


def age_pending(client: redis.Redis) -> None:
    """As if the entries had been read a minute ago."""
    for entry in client.xpending_range(USAGE_STREAM, GROUP, "-", "+", 1000):
        client.xclaim(USAGE_STREAM, GROUP, entry["consumer"], 0, [entry["message_id"]], idle=60_000)


def rows(database: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in database.execute("SELECT request_id FROM llm_usage_logs")]


def assert_each_once(database: psycopg.Connection[Any], records: list[UsageFinal]) -> None:
    assert sorted(rows(database)) == sorted(record.request_id for record in records)
    counted = database.execute("SELECT sum(requests)::int FROM usage_daily").fetchone()
    assert counted == (len(records),)


@pytest.mark.parametrize("point", ["before it has written", "between commit and acknowledgement"])
def test_a_worker_killed_in_a_drain_leaves_each_row_once(
    client: redis.Redis,
    redis_url: str,
    database: psycopg.Connection[Any],
    start_worker: Callable[[], subprocess.Popen[bytes]],
    point: str,
) -> None:
    records = [final() for _ in range(400)]
    ship(client, records)
    clients = len(client.client_list())
    # Held up in the middle: it has read, and waits for its turn to write.
    database.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    nudge(redis_url)
    worker = start_worker()
    wait_until(lambda: pending(client) == 8)
    if point == "before it has written":
        kill(worker)
        database.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        assert rows(database) == []
    else:
        client.client_pause(60_000, all=False)
        database.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        wait_until(lambda: len(rows(database)) == 400)
        kill(worker)
        # What it has sent already would be run at the end of the pause, if it were still there.
        wait_until(lambda: len(client.client_list()) == clients)
        client.client_unpause()
    assert client.xlen(USAGE_STREAM) == 8
    age_pending(client)
    nudge(redis_url)
    start_worker()
    wait_until(lambda: client.xlen(USAGE_STREAM) == 0)
    assert_each_once(database, records)


def test_a_worker_makes_partitions_and_ends_when_told_to(
    redis_url: str,
    database: psycopg.Connection[Any],
    start_worker: Callable[[], subprocess.Popen[bytes]],
) -> None:
    held = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1"
    before = database.execute(held, (PARTITION_SCHEMA,)).fetchall()
    for (name,) in before:
        database.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(PARTITION_SCHEMA, name)))
    dispatch = Dispatch(redis_url)
    dispatch.enqueue(PREPARE_PARTITIONS)
    dispatch.close()
    worker = start_worker()
    wait_until(lambda: len(database.execute(held, (PARTITION_SCHEMA,)).fetchall()) == 2)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
