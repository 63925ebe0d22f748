"""R1, R2, R3 and R8 of RELIABILITY.md: the writer and the stream die, and the ledger is exact.

Each has its mutation: with the defence off the same fault is noticed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from msgspec import structs
from redis.asyncio import Redis

from functions.write_usage.drain import drain
from shared.db import usage_statements
from shared.db.connect import Database
from shared.db.thread_connection import ThreadConnections
from shared.dispatch import Dispatch
from shared.embedded import EmbeddedValkey
from shared.usage import shipper as shipping
from shared.usage import spool as spooling
from shared.usage.batch import FIELD, STREAM, Batch, encode_batch
from shared.usage.record import UsageFinal
from shared.usage.segment import Segment
from shared.usage.shipper import Shipper
from shared.usage.spool import Spool
from shared.usage.stream import UsageStream
from tests.fakes.death import wait_for_death
from tests.fakes.usage_records import final
from tests.faults.exactness import drain_all
from tests.faults.writer_process import POINTS

ROOT = Path(__file__).parents[2]


def some(number: int, seed: int = 7) -> list[UsageFinal]:
    chance = random.Random(seed)
    return [
        final(
            user_id=f"user-{chance.randrange(20)}",
            cost_total_pico_usd=chance.randrange(10**12),
            total_tokens=chance.randrange(10**6),
        )
        for _ in range(number)
    ]


class Ledger:
    def __init__(self, database_url: str) -> None:
        self._dsn = database_url

    def rows(self) -> int:
        return int(self._one("SELECT count(*) FROM llm_usage_logs")[0])

    def assert_exact(self, records: list[UsageFinal]) -> None:
        """Count, sum of the rows and sum of the days: those of the records, each once."""
        expected = (
            len(records),
            sum(record.total_tokens or 0 for record in records),
            Decimal(sum(record.cost_total_pico_usd or 0 for record in records)).scaleb(-12),
        )
        sums = "sum(total_tokens), sum(cost_total_usd)"
        assert self._one(f"SELECT count(*), {sums} FROM llm_usage_logs") == expected
        assert self._one(f"SELECT sum(requests), {sums} FROM usage_daily") == expected
        assert self._one("SELECT count(*) FROM usage_outbox") == (len(records),)

    def _one(self, query: str) -> tuple[Any, ...]:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row


@pytest.fixture
def ledger(migrated_database_url: str) -> Ledger:
    return Ledger(migrated_database_url)


def add(url: str, records: list[UsageFinal], size: int = 10) -> None:
    with redis.Redis.from_url(url) as client:
        for start in range(0, len(records), size):
            batch = Batch(tuple(records[start : start + size]), ())
            client.xadd(STREAM, {FIELD: encode_batch(batch)})


def start_writer(database_url: str, redis_url: str, **more: str) -> subprocess.Popen[bytes]:
    """Must be killed and waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writer_process", database_url, redis_url],
        cwd=ROOT,
        env={**os.environ, **more},
    )


def kill_writers(database_url: str, redis_url: str, kills: int) -> None:
    chance = random.Random(11)
    for _ in range(kills):
        writer = start_writer(database_url, redis_url)
        time.sleep(0.5 + chance.uniform(0.15, 0.4))  # it takes half a second to start
        writer.kill()
        assert writer.wait() == -signal.SIGKILL  # it did not end before, of something else


SHORT_AND_LONG = [
    pytest.param(3, 2_000, id="short"),
    pytest.param(20, 5_000, id="long", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("kills", "events"), SHORT_AND_LONG)
def test_r1_a_writer_killed_again_and_again_writes_each_event_once(
    migrated_database_url: str, redis_url: str, ledger: Ledger, kills: int, events: int
) -> None:
    records = some(events)
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(add, redis_url, records)
        kill_writers(migrated_database_url, redis_url, kills)
        adding.result()
    began = time.monotonic()
    drain_all(migrated_database_url, redis_url)
    assert time.monotonic() - began < 10
    ledger.assert_exact(records)


@pytest.mark.parametrize("point", POINTS)
def test_r1_wherever_a_writer_dies_each_event_is_written_once(
    migrated_database_url: str, redis_url: str, ledger: Ledger, tmp_path: Path, point: str
) -> None:
    records = some(100)
    add(redis_url, records)
    death = tmp_path / "death"
    death.write_text(point)
    writer = start_writer(migrated_database_url, redis_url, TEST_DEATH=str(death))
    try:
        wait_for_death(death)
    finally:
        writer.kill()
        assert writer.wait() == -signal.SIGKILL
    drain_all(migrated_database_url, redis_url)
    ledger.assert_exact(records)


def test_r1_would_notice_a_writer_that_settles_before_it_writes(
    migrated_database_url: str,
    redis_url: str,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dies between the two, as a kill at that moment would have it."""
    records = some(200)
    add(redis_url, records)
    from functions.write_usage import stream  # noqa: PLC0415

    unread = stream.UsageStream.unread

    def settled(self: Any, count: int) -> Any:
        entries = unread(self, count)
        self.settle(entries)
        if entries:
            raise KeyboardInterrupt
        return entries

    connections = ThreadConnections(migrated_database_url)
    with monkeypatch.context() as patched, redis.Redis.from_url(redis_url) as client:
        patched.setattr(stream.UsageStream, "unread", settled)
        with pytest.raises(KeyboardInterrupt):
            drain(client, connections.get, "mutant")
    connections.close()
    drain_all(migrated_database_url, redis_url)
    with pytest.raises(AssertionError):
        ledger.assert_exact(records)


async def spool_through_a_lost_valkey(
    folder: Path,
    database_url: str,
    start: Callable[..., EmbeddedValkey],
    records: list[UsageFinal],
    ledger: Ledger,
    within_s: float = 15.0,
) -> float:
    """Spool all records; Valkey dies in the middle with all it held. Seconds from its return."""
    valkey = start(persist=False)
    database, client, dispatch = (
        Database(database_url),
        Redis.from_url(valkey.url),
        Dispatch(valkey.url),
    )
    spool = Spool(folder)
    shipper = Shipper(spool, UsageStream(client, dispatch), database, syncs=False)
    await database.open()
    shipper.start()
    try:
        for number, record in enumerate(records):
            spool.final(record)  # never fails, whatever Redis does
            if number == len(records) // 2:
                await asyncio.sleep(0.2)
                await asyncio.to_thread(valkey.kill)
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        again = await asyncio.to_thread(start, persist=False, port=valkey.port)
        began = time.monotonic()
        ends = began + within_s
        while await asyncio.to_thread(ledger.rows) < len(records) and time.monotonic() < ends:
            await asyncio.to_thread(drain_all, database_url, again.url)
            await asyncio.sleep(0.1)
        return time.monotonic() - began
    finally:
        await shipper.stop()
        spool.close()
        dispatch.close()
        await client.aclose()
        await database.close()


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_KEEP_HOUSE_EVERY_S", 0.1)
    monkeypatch.setattr(shipping, "_SEND_AGAIN_AFTER_S", 0.5)
    monkeypatch.setattr(shipping, "_AFTER_A_FAILURE_S", 0.05)
    monkeypatch.setattr(spooling, "_FULL_AGE_S", 0.1)


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize(
    "events",
    [pytest.param(1_000, id="short"), pytest.param(20_000, id="long", marks=pytest.mark.long)],
)
def test_r2_a_valkey_that_loses_everything_loses_no_usage(
    tmp_path: Path,
    migrated_database_url: str,
    own_valkey: Callable[..., EmbeddedValkey],
    ledger: Ledger,
    events: int,
) -> None:
    records = some(events)
    story = spool_through_a_lost_valkey(
        tmp_path / "spool", migrated_database_url, own_valkey, records, ledger
    )
    assert asyncio.run(story) < 15
    ledger.assert_exact(records)


@pytest.mark.usefixtures("in_a_hurry")
def test_r2_would_notice_a_shipper_that_does_not_ask_what_arrived(
    tmp_path: Path,
    migrated_database_url: str,
    own_valkey: Callable[..., EmbeddedValkey],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forget(self: Any, segment: Segment) -> None:
        self._spool.sealed.remove(segment)
        segment.remove()

    monkeypatch.setattr(Shipper, "_confirm", forget)
    records = some(400)
    story = spool_through_a_lost_valkey(
        tmp_path / "spool", migrated_database_url, own_valkey, records, ledger, within_s=4
    )
    assert asyncio.run(story) >= 4
    with pytest.raises(AssertionError):
        ledger.assert_exact(records)


def acknowledged_until_killed(valkey: EmbeddedValkey, after_s: float) -> set[bytes]:
    """Ids of the entries that four writers were told are in, until the server died."""

    def write(_: int) -> list[bytes]:
        acknowledged: list[bytes] = []
        with redis.Redis.from_url(valkey.url, retry_on_error=[]) as client:
            while True:
                try:
                    acknowledged.append(client.xadd(STREAM, {FIELD: b"x" * 100}))
                except redis.RedisError:
                    return acknowledged

    with ThreadPoolExecutor(5) as pool:
        writers = pool.map(write, range(4))
        pool.submit(lambda: (time.sleep(after_s), valkey.kill()))
        return {entry for some in writers for entry in some}


@pytest.mark.parametrize(
    "rounds", [pytest.param(1, id="short"), pytest.param(3, id="long", marks=pytest.mark.long)]
)
def test_r3_a_killed_valkey_with_its_log_loses_nothing_that_it_acknowledged(
    own_valkey: Callable[..., EmbeddedValkey], rounds: int
) -> None:
    """Where its disk keeps up: while an fsync is under way Valkey puts off the write for up to 2 s
    (flushAppendOnlyFile in its aof.c), and answers. What is lost so comes back as in R2.
    """
    acknowledged: set[bytes] = set()
    valkey = own_valkey(persist=True)
    for _ in range(rounds):
        acknowledged |= acknowledged_until_killed(valkey, 0.5)
        valkey = own_valkey(persist=True, port=valkey.port)
    with redis.Redis.from_url(valkey.url) as client:
        held = {entry for entry, _ in client.xrange(STREAM)}
    assert len(acknowledged) > 100
    assert acknowledged - held == set()


def test_r3_would_notice_a_valkey_without_its_log(
    own_valkey: Callable[..., EmbeddedValkey],
) -> None:
    valkey = own_valkey(persist=False)
    acknowledged = acknowledged_until_killed(valkey, 0.3)
    again = own_valkey(persist=False, port=valkey.port)
    with redis.Redis.from_url(again.url) as client:
        assert acknowledged
        assert client.xlen(STREAM) == 0


def three_times_shuffled(records: list[UsageFinal]) -> list[UsageFinal]:
    """In other objects each time, as from three deliveries."""
    copies = [structs.replace(record) for record in records for _ in range(3)]
    random.Random(5).shuffle(copies)
    return copies


def two_writers(database_url: str, redis_url: str) -> None:
    connections = ThreadConnections(database_url)
    with ThreadPoolExecutor(2) as pool, redis.Redis.from_url(redis_url) as client:
        done = [pool.submit(drain, client, connections.get, name) for name in ("a", "b")]
        for one in done:
            one.result()
    connections.close()


@pytest.mark.parametrize(
    "events",
    [pytest.param(1_000, id="short"), pytest.param(20_000, id="long", marks=pytest.mark.long)],
)
def test_r8_every_event_three_times_shuffled_through_two_writers_is_exact(
    migrated_database_url: str, redis_url: str, ledger: Ledger, events: int
) -> None:
    records = some(events)
    add(redis_url, three_times_shuffled(records), size=7)
    two_writers(migrated_database_url, redis_url)
    ledger.assert_exact(records)


def test_r8_would_notice_sums_of_rows_that_were_there_already(
    migrated_database_url: str,
    redis_url: str,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    staged = (
        "(SELECT *, cost_total_pico_usd * 1e-12 AS cost_total_usd FROM usage_staging) AS staged"
    )
    count, count_all = (
        usage_statements._add_to_daily(source).as_string() for source in ("written", staged)
    )
    write = usage_statements.WRITE_MISSING.as_string()
    assert count in write
    monkeypatch.setattr(usage_statements, "WRITE_MISSING", write.replace(count, count_all))
    records = some(50)
    add(redis_url, three_times_shuffled(records), size=7)
    drain_all(migrated_database_url, redis_url)
    add(redis_url, records)
    drain_all(migrated_database_url, redis_url)
    with pytest.raises(AssertionError):
        ledger.assert_exact(records)
