"""From the spool to PostgreSQL: sent on, confirmed, sent again where it was lost on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from functions.write_usage.drain import drain
from shared.db.connect import Database
from shared.embedded import EmbeddedValkey, free_port
from shared.jobs import Dispatch
from shared.keyspace import USAGE_STREAM, nudge_flag
from shared.spool import confirmation
from shared.spool import shipper as shipping
from shared.spool import spool as spooling
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.spool.stream import StreamProducer
from tests.fakes.usage_records import final, intent


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_KEEP_HOUSE_EVERY_S", 0.05)
    monkeypatch.setattr(confirmation, "_SEND_AGAIN_AFTER_S", 0.3)
    monkeypatch.setattr(shipping, "_AFTER_A_FAILURE_S", 0.05)
    monkeypatch.setattr(spooling, "_FULL_AGE_S", 0.1)


@asynccontextmanager
async def shipping_from(
    folder: Path, database_url: str, redis_url: str
) -> AsyncGenerator[tuple[Spool, Shipper]]:
    """A spool and its shipper at work, as an app opens them."""
    database, client = Database(database_url), Redis.from_url(redis_url)
    dispatch = Dispatch(redis_url)
    spool = Spool(folder)
    shipper = Shipper(spool, StreamProducer(client, dispatch), database, syncs=True)
    await database.open()
    shipper.start()
    try:
        yield spool, shipper
    finally:
        await shipper.stop()
        spool.close()
        dispatch.close()
        await client.aclose()
        await database.close()


class Ledger:
    """The writer's end: drains the stream into the table, and reads the rows."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._dsn, self._redis_url = database_url, redis_url

    def drain(self) -> None:
        with (
            psycopg.connect(self._dsn, autocommit=True) as connection,
            redis.Redis.from_url(self._redis_url) as client,
        ):
            drain(client, lambda: connection, "test")

    def states(self) -> dict[str, str]:
        with psycopg.connect(self._dsn) as connection:
            rows = connection.execute("SELECT request_id, state FROM llm_usage_logs").fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)


@pytest.fixture
def ledger(migrated_database_url: str, redis_url: str) -> Ledger:
    return Ledger(migrated_database_url, redis_url)


async def until(holds: Callable[[], bool], *, timeout_s: float = 15.0) -> None:
    ends = time.monotonic() + timeout_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < ends, "it did not come to pass in time"
        await asyncio.sleep(0.02)


def entries(redis_url: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        count: Any = client.xlen(USAGE_STREAM)
    return int(count)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.spool")}


def run(story: Awaitable[None]) -> None:
    async def main() -> None:
        await story

    asyncio.run(main())


def test_records_become_rows_and_their_segment_goes_once_postgresql_has_them(
    tmp_path: Path, migrated_database_url: str, redis_url: str, ledger: Ledger
) -> None:
    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url) as (spool, _):
            (first,) = files(tmp_path)
            records = [final() for _ in range(700)]
            for record in records:
                spool.intent(intent(request_id=record.request_id))
                spool.final(record)
            await until(lambda: entries(redis_url) == 2)
            await asyncio.sleep(0.3)
            assert first in files(tmp_path), "not before the rows are there"
            await asyncio.to_thread(ledger.drain)
            assert ledger.states() == {record.request_id: "final" for record in records}
            await until(lambda: first not in files(tmp_path))

    run(story())


def test_a_nudge_asks_for_the_writer_once(
    tmp_path: Path, migrated_database_url: str, redis_url: str
) -> None:
    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url) as (spool, _):
            for _ in range(5):
                spool.final(final())
                await asyncio.sleep(0.1)
        with redis.Redis.from_url(redis_url) as client:
            assert client.get(nudge_flag("usage")) == b"1"
            queued = [key for key in client.keys("switchyard:dramatiq:*") if b"usage" in key]
            messages: Any = client.llen("switchyard:dramatiq:usage")
            assert queued
            assert messages == 1

    run(story())


def test_what_redis_loses_is_sent_again(
    tmp_path: Path, migrated_database_url: str, redis_url: str, ledger: Ledger
) -> None:
    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url) as (spool, _):
            record = final()
            spool.final(record)
            await until(lambda: entries(redis_url) == 1)
            with redis.Redis.from_url(redis_url) as client:
                client.flushdb()
            await until(lambda: entries(redis_url) == 1)
            await asyncio.to_thread(ledger.drain)
            assert ledger.states() == {record.request_id: "final"}

    run(story())


def test_redis_away_leaves_everything_on_disk_and_nothing_is_lost_when_it_is_back(
    tmp_path: Path,
    migrated_database_url: str,
    own_valkey: Callable[..., EmbeddedValkey],
) -> None:
    async def story() -> None:
        valkey = own_valkey(persist=False)
        async with shipping_from(tmp_path / "spool", migrated_database_url, valkey.url) as (
            spool,
            shipper,
        ):
            valkey.kill()
            records = [final() for _ in range(20)]
            for record in records:
                spool.final(record)
            await until(lambda: shipper.complaint is not None)
            again = await asyncio.to_thread(own_valkey, persist=False, port=valkey.port)
            await until(lambda: entries(again.url) > 0)
            ledger = Ledger(migrated_database_url, again.url)
            await asyncio.to_thread(ledger.drain)
            assert set(ledger.states()) == {record.request_id for record in records}
            await until(lambda: shipper.complaint is None)

    run(story())


def test_a_flush_that_failed_is_known_at_once_and_until_records_are_sent(
    tmp_path: Path,
    migrated_database_url: str,
    own_valkey: Callable[..., EmbeddedValkey],
) -> None:
    async def story() -> None:
        valkey = own_valkey(persist=False)
        async with shipping_from(tmp_path / "spool", migrated_database_url, valkey.url) as (
            spool,
            shipper,
        ):
            valkey.kill()
            spool.final(final())
            assert not shipper.cannot_send
            with pytest.raises((RedisError, OSError)):
                await shipper.flush(5)
            assert shipper.cannot_send
            again = await asyncio.to_thread(own_valkey, persist=False, port=valkey.port)
            await until(lambda: not shipper.cannot_send)
            assert entries(again.url) == 1

    run(story())


def test_postgresql_away_keeps_no_record_from_being_sent(tmp_path: Path, redis_url: str) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none?connect_timeout=1"

    async def story() -> None:
        async with shipping_from(tmp_path / "spool", nowhere, redis_url) as (spool, shipper):
            spool.final(final())
            await shipper.flush(5)
            await until(lambda: shipper.complaint is not None)
            assert entries(redis_url) == 1
            assert not shipper.cannot_send

    run(story())


def test_a_dead_process_leaves_finals_and_marked_rows(
    tmp_path: Path, migrated_database_url: str, redis_url: str, ledger: Ledger
) -> None:
    answered, cut, dropped = final(), intent(), intent()
    dead = Spool(tmp_path)
    dead.intent(intent(request_id=answered.request_id))
    dead.final(answered)
    dead.intent(cut)
    dead.intent(dropped)
    dead.drop(dropped.request_id)
    left = files(tmp_path)
    dead.close()

    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url):
            await until(lambda: entries(redis_url) >= 2)
            await asyncio.to_thread(ledger.drain)
            assert ledger.states() == {
                answered.request_id: "final",
                cut.request_id: "indeterminate",
            }
            await until(lambda: not left & files(tmp_path))

    run(story())


def test_a_process_that_will_not_live_long_sends_what_a_dead_one_left(
    tmp_path: Path, migrated_database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_KEEP_HOUSE_EVERY_S", 3600)
    dead = Spool(tmp_path)
    dead.final(final())
    dead.close()

    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url):
            await until(lambda: entries(redis_url) == 1)

    run(story())


def test_a_late_final_replaces_the_row_of_an_intent_that_was_given_up(
    tmp_path: Path, migrated_database_url: str, redis_url: str, ledger: Ledger
) -> None:
    async def story() -> None:
        async with shipping_from(tmp_path, migrated_database_url, redis_url) as (spool, _):
            late = final()
            spool.intent(intent(request_id=late.request_id, deadline_ms=1))
            await until(lambda: entries(redis_url) == 1)
            await asyncio.to_thread(ledger.drain)
            assert ledger.states() == {late.request_id: "indeterminate"}
            spool.final(late)
            await until(lambda: entries(redis_url) == 1)
            await asyncio.to_thread(ledger.drain)
            assert ledger.states() == {late.request_id: "final"}

    run(story())
