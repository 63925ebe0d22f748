"""R2 and R3 of RELIABILITY.md: Valkey dies with what waited in it, and the ledger is exact.

Each has its mutation: with the defence off the same fault is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.asyncio import Redis

from shared.db.connect import Database
from shared.embedded import EmbeddedValkey
from shared.jobs import Dispatch
from shared.keyspace import USAGE_STREAM
from shared.ledger.record import UsageFinal
from shared.spool import confirmation
from shared.spool import shipper as shipping
from shared.spool import spool as spooling
from shared.spool.segment import Segment
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.spool.stream import FIELD, StreamProducer
from tests.faults.exactness import drain_all
from tests.faults.ledger import Ledger, some


async def spool_through_a_lost_valkey(
    folder: Path,
    database_url: str,
    start: Callable[..., EmbeddedValkey],
    records: list[UsageFinal],
    ledger: Ledger,
    within_s: float = 60.0,
) -> None:
    """Spool all records; Valkey dies in the middle with all it held. Until all are rows, or so many
    seconds after its return."""
    valkey = start(persist=False)
    database, client, dispatch = (
        Database(database_url),
        Redis.from_url(valkey.url),
        Dispatch(valkey.url),
    )
    spool = Spool(folder)
    shipper = Shipper(spool, StreamProducer(client, dispatch), database, syncs=False)
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
        ends = time.monotonic() + within_s
        while await asyncio.to_thread(ledger.rows) < len(records) and time.monotonic() < ends:
            await asyncio.to_thread(drain_all, database_url, again.url)
            await asyncio.sleep(0.1)
    finally:
        await shipper.stop()
        spool.close()
        dispatch.close()
        await client.aclose()
        await database.close()


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_KEEP_HOUSE_EVERY_S", 0.1)
    monkeypatch.setattr(confirmation, "_SEND_AGAIN_AFTER_S", 0.5)
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
    asyncio.run(story)
    ledger.assert_exact(records)


@pytest.mark.usefixtures("in_a_hurry")
def test_r2_would_notice_a_shipper_that_does_not_ask_what_arrived(
    tmp_path: Path,
    migrated_database_url: str,
    own_valkey: Callable[..., EmbeddedValkey],
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forget(self: Any, segment: Segment) -> bool:
        self._spool.sealed.remove(segment)
        segment.remove()
        return True

    monkeypatch.setattr(confirmation.Confirmation, "_confirm", forget)
    records = some(400)
    story = spool_through_a_lost_valkey(
        tmp_path / "spool", migrated_database_url, own_valkey, records, ledger, within_s=4
    )
    asyncio.run(story)
    with pytest.raises(AssertionError):
        ledger.assert_exact(records)


def acknowledged_until_killed(valkey: EmbeddedValkey, after_s: float) -> set[bytes]:
    """Ids of the entries that four writers were told are in, until the server died."""

    def write(_: int) -> list[bytes]:
        acknowledged: list[bytes] = []
        with redis.Redis.from_url(valkey.url, retry_on_error=[]) as client:
            while True:
                try:
                    acknowledged.append(client.xadd(USAGE_STREAM, {FIELD: b"x" * 100}))
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
        held = {entry for entry, _ in client.xrange(USAGE_STREAM)}
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
        assert client.xlen(USAGE_STREAM) == 0
