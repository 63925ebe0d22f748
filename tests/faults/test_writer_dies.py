"""R1 and R8 of RELIABILITY.md: the writer dies or is given all again, and the ledger is exact.

Each has its mutation: with the defence off the same fault is noticed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec import structs

from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections
from shared.ledger import statements as usage_statements
from shared.ledger.record import UsageFinal
from shared.spool.stream import StreamConsumer
from tests.fakes.death import wait_for_death
from tests.faults.exactness import drain_all
from tests.faults.ledger import Ledger, add, some
from tests.faults.writer_process import POINTS

ROOT = Path(__file__).parents[2]


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
    unread = StreamConsumer.unread

    def settled(self: Any, count: int) -> Any:
        entries = unread(self, count)
        self.settle(entries)
        if entries:
            raise KeyboardInterrupt
        return entries

    connections = ThreadConnections(migrated_database_url)
    with monkeypatch.context() as patched, redis.Redis.from_url(redis_url) as client:
        patched.setattr(StreamConsumer, "unread", settled)
        with pytest.raises(KeyboardInterrupt):
            drain(client, connections.get, "mutant")
    connections.close()
    drain_all(migrated_database_url, redis_url)
    with pytest.raises(AssertionError):
        ledger.assert_exact(records)


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
