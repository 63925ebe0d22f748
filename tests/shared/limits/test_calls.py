"""Redis is asked for blocks, not for requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared.limits.limit import Kind
from tests.shared.limits.machine import Process, World

A_SECOND = 1000


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    loop = asyncio.new_event_loop()
    world = World(redis_url, loop)
    try:
        yield world
    finally:
        world.close()
        loop.close()


def test_at_a_thousand_requests_a_second_one_call_serves_twenty_at_least(world: World) -> None:
    world.amounts = {Kind.DAY: 10**9, Kind.REQUESTS: 10**6, Kind.CONCURRENT: 10**4}
    process = Process(world)
    for _ in range(8):
        world.pass_by(1.0)
        world.do(process.renew())
    for _ in range(3):  # until it knows how many come
        serve_a_second(world, process)
    before = len(process.grants.said)
    for _ in range(3):
        serve_a_second(world, process)
    assert (len(process.grants.said) - before) / (3 * A_SECOND) <= 0.05


def serve_a_second(world: World, process: Process) -> None:
    for number in range(A_SECOND):
        assert process.reserve({Kind.DAY: 1000, Kind.REQUESTS: 1, Kind.CONCURRENT: 1})
        process.settle(0.5)
        if number % 100 == 99:
            world.pass_by(0.1)
    world.do(process.renew())
