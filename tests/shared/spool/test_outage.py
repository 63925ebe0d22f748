"""A long outage: nothing is sent twice without cause, and disk, files and Redis stay bounded."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SpoolFull
from shared.spool import spool as spooling
from shared.spool import stream as streaming
from shared.spool.spool import Spool
from tests.fakes.outage import Gateway, Services
from tests.fakes.usage_records import final, intent

SMALL = 64 * 1024


@pytest.fixture
def services(tmp_path: Path, migrated_database_url: str, redis_url: str) -> Services:
    return Services(tmp_path / "spool", migrated_database_url, redis_url)


def run(services: Services, story: Callable[[Gateway], Awaitable[None]], **spool: Any) -> None:
    async def main() -> None:
        async with services.gateway(**spool) as gateway:
            await story(gateway)

    asyncio.run(main())


async def written(gateway: Gateway, services: Services, turns: int = 40) -> None:
    """The writer is there again: until nothing waits."""
    for _ in range(turns):
        await gateway.pass_seconds(5)
        await asyncio.to_thread(services.drain)
    assert services.rows() == len(gateway.ids)
    assert gateway.spool.sealed == []


def test_without_a_worker_nothing_is_sent_twice(services: Services) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.pass_seconds(600, requests=2)
        assert gateway.spool.sealed, "something waits for PostgreSQL to have it"
        assert sorted(services.in_stream()) == sorted(gateway.ids)
        await written(gateway, services, 20)
        assert gateway.stream.sent == len(gateway.ids)

    run(services, story)


def test_behind_a_full_stream_the_spool_waits_and_the_order_is_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MOST_ENTRIES", 10)

    async def story(gateway: Gateway) -> None:
        await gateway.pass_seconds(300, requests=3)
        waiting = services.in_stream()
        assert len(waiting) <= 10 * 3
        assert waiting == gateway.ids[: len(waiting)]
        assert gateway.shipper.complaint is not None or gateway.spool.segments()[-1].shipped
        await written(gateway, services)
        assert gateway.stream.sent == len(gateway.ids)

    run(services, story)


def test_what_a_flushed_redis_held_is_sent_once_more(services: Services) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.pass_seconds(100, requests=1)
        await asyncio.to_thread(services.drain)
        await gateway.pass_seconds(30, requests=1)
        lost = len(services.in_stream())
        assert lost
        services.flush()
        for _ in range(60):
            await gateway.pass_seconds(5)
        assert set(Counter(services.in_stream()).values()) == {1}
        await written(gateway, services)
        assert gateway.stream.sent == len(gateway.ids) + lost

    run(services, story)


def test_what_never_arrives_is_sent_again_ever_more_seldom(services: Services) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.pass_seconds(70, requests=1)
        for _ in range(12 * 60):
            services.flush()
            await gateway.pass_seconds(5)
        sealed = sum(segment.offset > segment.start for segment in gateway.spool.sealed)
        assert sealed == 1
        # In an hour, after 0, 30, 60 ... 1920 s.
        assert gateway.stream.sent <= len(gateway.ids) * 9
        await written(gateway, services, 800)

    run(services, story)


def test_what_a_dead_process_left_is_sent_where_the_stream_has_lost_it_alone(
    services: Services, tmp_path: Path
) -> None:
    async def dies(gateway: Gateway) -> None:
        await gateway.pass_seconds(4, requests=5)

    async def lives(gateway: Gateway) -> None:
        await gateway.pass_seconds(100)
        assert gateway.stream.sent == 0, "its entries wait in the stream"
        services.flush()
        await gateway.pass_seconds(10)
        assert gateway.stream.sent == 20
        await asyncio.to_thread(services.drain)
        await gateway.pass_seconds(10)
        assert services.rows() == 20
        assert gateway.spool.sealed == []

    run(services, dies)
    run(services, lives)


def test_a_quiet_gateway_keeps_two_files_however_long_postgresql_is_away(
    services: Services,
) -> None:
    """One request a minute took 16 MB and a file each."""

    async def story(gateway: Gateway) -> None:
        gateway.database.is_away = True
        for _ in range(180):
            gateway.serve(1)
            await gateway.pass_seconds(60)
        assert len(services.files()) <= 2
        assert services.disk_bytes() < 40_000_000
        assert services.open_files() <= 2
        gateway.database.is_away = False
        await written(gateway, services)
        assert gateway.stream.sent == len(gateway.ids)

    run(services, story)


def test_without_redis_rows_follow_once_it_is_there(services: Services) -> None:
    async def story(gateway: Gateway) -> None:
        gateway.stream.is_away = True
        await gateway.pass_seconds(600, requests=3)
        assert gateway.shipper.complaint or len(services.files()) <= 3
        gateway.stream.is_away = False
        await written(gateway, services)
        assert gateway.stream.sent == len(gateway.ids)

    run(services, story)


def test_restarts_in_an_outage_take_little_room(services: Services) -> None:
    async def restarted(gateway: Gateway) -> None:
        gateway.database.is_away = True
        await gateway.pass_seconds(10, requests=1)

    for _ in range(20):
        run(services, restarted)
    assert services.disk_bytes() < 20_000_000

    async def story(gateway: Gateway) -> None:
        for _ in range(20):
            await gateway.pass_seconds(5)
            await asyncio.to_thread(services.drain)
        assert services.rows() == 200
        assert gateway.spool.sealed == []

    run(services, story)


def test_no_more_segments_are_adopted_than_may_be_open(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "_MOST_HELD", 4)
    folder = tmp_path / "spool"
    left = [Spool(folder, size=SMALL) for _ in range(12)]

    async def story(gateway: Gateway) -> None:
        gateway.ids = []
        for spool in left:
            spool.close()
        gateway.serve(1)
        for _ in range(12):
            await gateway.pass_seconds(5)
            assert len(gateway.spool.segments()) <= 4
        await written(gateway, services, 3)

    run(services, story)


def test_a_bound_of_the_folder_refuses_requests_and_never_an_answer_s_bill(
    services: Services,
) -> None:
    async def story(gateway: Gateway) -> None:
        gateway.database.is_away = True
        asked = [final() for _ in range(30)]
        for one in asked:
            gateway.spool.intent(intent(request_id=one.request_id, deadline_ms=2**53))
        with pytest.raises(SpoolFull):
            await gateway.pass_seconds(600, requests=50)
        assert gateway.spool.is_full
        assert services.disk_bytes() <= 8 * SMALL
        for one in asked:
            gateway.spool.final(one)
            gateway.ids.append(one.request_id)
        gateway.database.is_away = False
        await written(gateway, services)
        assert not gateway.spool.is_full
        gateway.serve(10)
        await written(gateway, services)

    run(services, story, size=SMALL, max_bytes=8 * SMALL)


def test_no_turn_of_the_loop_reads_more_than_an_entry_s_worth(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis away and a full segment unsent, or a start that adopts many: 250 and 670 ms of it."""
    read: list[int] = []
    pread = os.pread

    def noted(fd: int, size: int, offset: int) -> bytes:
        if threading.current_thread() is threading.main_thread():
            read.append(size)
        return pread(fd, size, offset)

    async def leaves(gateway: Gateway) -> None:
        gateway.stream.is_away = True
        while len(gateway.spool.sealed) < 2:
            gateway.serve(100)

    async def story(gateway: Gateway) -> None:
        gateway.stream.is_away = True
        await gateway.keep_house()
        while len(gateway.spool.sealed) < 4:
            gateway.serve(100)
        await gateway.pass_seconds(10)
        gateway.stream.is_away = False
        await gateway.pass_seconds(10)
        assert max(read, default=0) <= 64 * 1024

    run(services, leaves)
    monkeypatch.setattr(os, "pread", noted)
    run(services, story)
