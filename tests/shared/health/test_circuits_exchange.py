"""Two processes' tables over a real Valkey: what one learns the other knows after one exchange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import redis as sync_redis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import (
    ProviderRateLimited,
)
from shared.health.circuits import OPEN_S
from shared.health.circuits_exchange import CircuitExchange
from shared.health.circuits_table import CircuitTable
from shared.keyspace import HEALTH_CIRCUITS
from shared.wire.rate_limits import LimitKind, RateLimit
from tests.shared.health.tables import OPENAI, PLACE, fail, table


def exchanging(
    url: str, act: Callable[[CircuitExchange, CircuitExchange], Awaitable[None]], *of: CircuitTable
) -> None:
    async def run() -> None:
        redis: Any = Redis.from_url(url)
        try:
            await act(*(CircuitExchange(redis, one) for one in of))
        finally:
            await redis.aclose()

    asyncio.run(run())


def test_an_open_circuit_is_followed_and_its_closing_too(redis_url: str) -> None:
    one, other = table(100.0), table(5_000.0)

    async def act(here: CircuitExchange, there: CircuitExchange) -> None:
        fail(one)
        await here.exchange()
        await there.exchange()
        block = other.blocks[PLACE]
        assert abs(block.until_s - (5_000.0 + OPEN_S)) < 1.0, "in the other's own clock"
        assert not other.admit(OPENAI)
        one.answered(OPENAI)
        one.answered(OPENAI)
        await here.exchange()
        await there.exchange()
        assert other.blocks == {}
        assert other.admit(OPENAI)

    exchanging(redis_url, act, one, other)


def test_a_limit_is_followed_until_it_resets(redis_url: str) -> None:
    one, other = table(), table()

    async def act(here: CircuitExchange, there: CircuitExchange) -> None:
        one.learn(OPENAI, [RateLimit(LimitKind.REQUESTS, None, 100, 0, 30.0)])
        await here.exchange()
        await there.exchange()
        place = ("openai", "gpt-6.1-terra", 0)
        assert other.blocks[place].error is ProviderRateLimited
        other.clock.now += 31  # type: ignore[attr-defined]
        other.sweep()
        assert other.blocks == {}

    exchanging(redis_url, act, one, other)


def test_what_was_not_told_is_told_once_redis_is_back(redis_url: str) -> None:
    one, other = table(), table()
    fail(one)

    async def act(here: CircuitExchange, there: CircuitExchange) -> None:
        away = CircuitExchange(Redis.from_url("redis://127.0.0.1:9/0"), one)
        with pytest.raises((RedisError, OSError)):
            await away.exchange()
        await here.exchange()
        await there.exchange()
        assert PLACE in other.blocks

    exchanging(redis_url, act, one, other)


def test_what_cannot_be_read_harms_nobody_and_is_taken_away(redis_url: str) -> None:
    one = table()
    client = sync_redis.Redis.from_url(redis_url)
    client.hset(HEALTH_CIRCUITS, "openai|gpt-6.1-terra", b"nonsense")

    async def act(here: CircuitExchange) -> None:
        await here.exchange()

    exchanging(redis_url, act, one)  # type: ignore[arg-type]
    assert one.blocks == {}
    assert client.hgetall(HEALTH_CIRCUITS) == {}
    client.close()


def test_outcomes_are_published_as_the_health_check_reads_them(redis_url: str) -> None:
    one = table(time.monotonic())
    one.answered(OPENAI)
    fail(one, times=2)

    async def act(here: CircuitExchange) -> None:
        await here.exchange()

    exchanging(redis_url, act, one)  # type: ignore[arg-type]
    with sync_redis.Redis.from_url(redis_url) as client:
        [key] = client.keys("switchyard:health:outcomes:*")
        assert 0 < client.ttl(key) <= 10
        found = client.hgetall(key)
    [window_s, successes, failures, in_a_row, last] = msgspec.msgpack.decode(
        found[b"openai|gpt-6.1-terra"]
    )
    assert (window_s, successes, failures, in_a_row) == (60.0, 1, 2, 2)
    assert abs(last - time.time()) < 5
