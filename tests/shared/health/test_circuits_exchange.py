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
    PlatformKeyRefused,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderUnavailable,
    UpstreamError,
)
from shared.health.circuits import OPEN_S, State
from shared.health.circuits_exchange import CircuitExchange
from shared.health.circuits_table import CircuitTable
from shared.keyspace import HEALTH_CIRCUITS
from shared.routing.choice import Candidate, Reason
from shared.wire.rate_limits import LimitKind, RateLimit
from tests.shared.routing.catalog import FLASH, OPUS, OSS, TERRA

OPENAI = Candidate(TERRA, Reason.RULE)
GOOGLE, GROQ, ANTHROPIC = (Candidate(one, Reason.RULE) for one in (FLASH, OSS, OPUS))
PLACE = ("openai", "gpt-6.1-terra", None)


class Clock:
    """Seconds that pass when told to; its zero is not the other process's."""

    def __init__(self, zero: float) -> None:
        self.now = zero

    def __call__(self) -> float:
        return self.now


def table(zero: float = 100.0) -> CircuitTable:
    return CircuitTable(clock=Clock(zero), chance=lambda: 0.0)


def fail(of: CircuitTable, candidate: Candidate = OPENAI, times: int = 5, **how: Any) -> None:
    for _ in range(times):
        of.failed(candidate, ProviderUnavailable("openai", ""), **how)


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


@pytest.mark.parametrize(
    "error",
    [ProviderRejectedKey, ProviderRefusedRequest, ProviderRateLimited, PlatformKeyRefused],
)
def test_who_answers_is_there_whatever_the_answer(error: type[UpstreamError]) -> None:
    one = table()
    for _ in range(30):
        one.failed(OPENAI, error("openai", ""))
    assert PLACE not in one.blocks
    assert list(one.states()) == []


def test_a_platform_key_is_passed_over_after_two_refusals_within_a_minute() -> None:
    one = table()
    one.failed(OPENAI, PlatformKeyRefused("openai", ""))
    one.clock.now += 61  # type: ignore[attr-defined]
    one.failed(OPENAI, PlatformKeyRefused("openai", ""))
    assert one.blocks == {}
    one.failed(OPENAI, PlatformKeyRefused("openai", ""))
    assert one.blocks["openai", None, 0].error is PlatformKeyRefused


def test_three_providers_that_cannot_be_reached_are_our_own_network() -> None:
    one = table()
    for candidate in (OPENAI, GOOGLE, GROQ):
        fail(one, candidate, times=1, never_connected=True)
    assert one.is_local_fault()
    fail(one, times=20, never_connected=True)
    assert list(one.states()) == [], "and nothing is held against them"
    one.answered(ANTHROPIC)
    assert not one.is_local_fault()


def test_two_providers_that_cannot_be_reached_are_theirs() -> None:
    one = table()
    fail(one, OPENAI, times=5, never_connected=True)
    fail(one, GOOGLE, times=5, never_connected=True)
    assert not one.is_local_fault()
    assert {state.state for *_, state in one.states()} == {State.OPEN}


def test_a_longer_wait_is_not_shortened_by_a_later_one() -> None:
    one = table()
    one.failed(OPENAI, ProviderRateLimited("openai", "", retry_after_s=60))
    one.failed(OPENAI, ProviderRateLimited("openai", "", retry_after_s=1))
    assert one.blocks["openai", "gpt-6.1-terra", 0].until_s == 160.0


def test_few_tokens_left_keep_away_only_what_needs_more() -> None:
    one = table()
    one.learn(OPENAI, [RateLimit(LimitKind.TOKENS, None, 100_000, 5_000, 10.0)])
    assert one.blocks["openai", "gpt-6.1-terra", 0].over_tokens == 5_000
    other = table()
    other.learn(OPENAI, [RateLimit(LimitKind.TOKENS, None, 100_000, 50_000, 10.0)])
    assert other.blocks == {}
