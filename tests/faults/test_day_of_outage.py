"""A day without a worker, PostgreSQL or Redis, on a clock of its own: what it takes of disk, files,
memory and Redis is bounded, every request has its row afterwards, and none has two.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.spool.spool import MAX_BYTES
from shared.spool.stream import MOST_ENTRIES
from tests.fakes.outage import Gateway, Services

HOUR_S = 3600
STEP_S = 10
STREAM_BYTES = 150_000_000
MEMORY_BYTES = 150_000_000
OPEN_FILES = 256 + 64


class Most:
    """What an outage took at most."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._memory = memory_bytes()
        self.disk = self.stream = self.files = self.memory = 0

    def note(self) -> None:
        self.disk = max(self.disk, self._services.disk_bytes())
        self.stream = max(self.stream, self._services.stream_bytes())
        self.files = max(self.files, self._services.open_files())
        self.memory = max(self.memory, memory_bytes() - self._memory)

    def assert_bounded(self) -> None:
        assert self.disk <= MAX_BYTES
        assert self.stream <= STREAM_BYTES
        assert self.files <= OPEN_FILES
        assert self.memory <= MEMORY_BYTES

    def __str__(self) -> str:
        took = {"disk": self.disk, "stream": self.stream, "memory": self.memory}
        shown = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in took.items())
        return f"{shown}, {self.files} open files"


def memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.fixture
def services(tmp_path: Path, migrated_database_url: str, redis_url: str) -> Services:
    return Services(tmp_path / "spool", migrated_database_url, redis_url)


def without_worker(_: Gateway) -> None:
    """Nobody drains."""


def without_postgresql(gateway: Gateway) -> None:
    gateway.database.is_away = True


def without_redis(gateway: Gateway) -> None:
    gateway.stream.is_away = True


def come_back(gateway: Gateway) -> None:
    gateway.database.is_away = gateway.stream.is_away = False


async def until_all_is_written(gateway: Gateway, services: Services) -> int:
    """With a worker again. The simulated seconds that it took."""
    began = gateway.clock.now
    while any(segment.offset > segment.start for segment in gateway.spool.segments()):
        await gateway.pass_seconds(5)
        await asyncio.to_thread(services.drain)
        assert gateway.clock.now - began < 4 * HOUR_S, "it never ends"
    return round(gateway.clock.now - began)


async def outage(
    gateway: Gateway,
    services: Services,
    begin: Callable[[Gateway], None],
    a_second: int,
    minutes: int,
) -> None:
    began = time.monotonic()
    most = Most(services)
    begin(gateway)
    for _ in range(minutes // 10):
        await gateway.pass_seconds(600, requests=a_second, step=STEP_S)
        most.note()
    come_back(gateway)
    took_s = await until_all_is_written(gateway, services)
    print(
        f"\n{begin.__name__}: {minutes} min at {a_second}/s, {gateway.served} requests: {most};"
        f" written {took_s} s after it ended; {time.monotonic() - began:.0f} s of ours"
    )
    most.assert_bounded()
    assert services.rows() == gateway.served
    assert gateway.stream.sent == gateway.served, "nothing was sent twice"


OUTAGES = [without_worker, without_postgresql, without_redis]


@pytest.mark.parametrize("begin", OUTAGES)
@pytest.mark.parametrize(
    ("a_second", "minutes"),
    [
        pytest.param(10, 10, id="ten minutes"),
        pytest.param(5, 24 * 60, id="a day", marks=pytest.mark.long),
    ],
)
def test_an_outage_takes_what_is_documented_and_every_request_has_one_row(
    services: Services, begin: Callable[[Gateway], None], a_second: int, minutes: int
) -> None:
    async def story() -> None:
        async with services.gateway(keeps_ids=False) as gateway:
            await outage(gateway, services, begin, a_second, minutes)

    asyncio.run(story())


@pytest.mark.long
def test_a_day_without_a_worker_at_fifty_requests_a_second(services: Services) -> None:
    """4.3 million requests, some 3 GB of spool."""
    assert MOST_ENTRIES == 1000

    async def story() -> None:
        async with services.gateway(keeps_ids=False) as gateway:
            await outage(gateway, services, without_worker, 50, 24 * 60)

    asyncio.run(story())
