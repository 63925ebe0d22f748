"""What processes publish about live calls is summed by provider, whatever else is in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
import redis
from redis.asyncio import Redis
from structlog.testing import capture_logs

from shared.health.hysteresis import Traffic
from shared.health.traffic import OUTCOMES, read_traffic


def publish(url: str, process: str, field: str, outcomes: Iterable[object]) -> None:
    """As a web process does, once a second."""
    with redis.Redis.from_url(url) as client:
        client.hset(OUTCOMES + process, field, msgspec.msgpack.encode(list(outcomes)))
        client.expire(OUTCOMES + process, 10)


def read(url: str) -> dict[str, Traffic]:
    async def ask() -> dict[str, Traffic]:
        client = Redis.from_url(url)
        try:
            return await read_traffic(client)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def test_models_and_processes_are_summed_by_provider(redis_url: str) -> None:
    publish(redis_url, "one", "openai|gpt-a", (60, 5, 1, 0, 1.5))
    publish(redis_url, "one", "openai|vendor/gpt|b", (60, 2, 3, 3, 1.5))
    publish(redis_url, "two", "openai|gpt-a", (60, 10, 0, 0, None))
    publish(redis_url, "two", "groq|openai/gpt-oss-20b", (60, 0, 4, 4, 2))
    assert read(redis_url) == {"openai": Traffic(17, 4), "groq": Traffic(0, 4)}


def test_nothing_published_is_no_traffic(redis_url: str) -> None:
    assert read(redis_url) == {}


def test_what_cannot_be_read_is_logged_and_left_out(redis_url: str) -> None:
    publish(redis_url, "one", "openai|gpt-a", (60, 5, 1, 0, 1.5, "a later release's"))
    publish(redis_url, "one", "groq|x", ("nonsense",))
    with capture_logs() as logs:
        assert read(redis_url) == {"openai": Traffic(5, 1)}
    assert [line["event"] for line in logs] == ["health.outcomes_unreadable"]
