"""What processes publish about live calls is summed by provider, whatever else is in Redis; and
each release reads what the other wrote.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import redis
from redis.asyncio import Redis
from structlog.testing import capture_logs

from shared.health.circuits import Counts
from shared.health.hysteresis import Traffic
from shared.health.outcomes import encode_outcome, new_outcomes_key, outcome_field, read_traffic

# What commit 6638afb writes into `switchyard:health:outcomes:<process>`.
OF_THE_LAST_RELEASE = msgspec.msgpack.encode([60.0, 5, 1, 1, 1_700_000_000.5])


class Process:
    """Publishes as a web process does, once a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._key = new_outcomes_key()

    def publish(self, slug: str, model_id: str, successes: int, failures: int) -> None:
        counts = Counts(successes, failures, failures, 1.5)
        self.publish_bytes(outcome_field(slug, model_id), encode_outcome(counts, 0))

    def publish_bytes(self, field: str, value: bytes) -> None:
        with redis.Redis.from_url(self._url) as client:
            client.hset(self._key, field, value)
            client.expire(self._key, 10)


def read(url: str) -> dict[str, Traffic]:
    async def ask() -> dict[str, Traffic]:
        client = Redis.from_url(url)
        try:
            return await read_traffic(client)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def test_models_and_processes_are_summed_by_provider(redis_url: str) -> None:
    one, two = Process(redis_url), Process(redis_url)
    one.publish("openai", "gpt-a", 5, 1)
    one.publish("openai", "vendor/gpt|b", 2, 3)
    two.publish("openai", "gpt-a", 10, 0)
    two.publish("groq", "openai/gpt-oss-20b", 0, 4)
    assert read(redis_url) == {"openai": Traffic(17, 4), "groq": Traffic(0, 4)}


def test_nothing_published_is_no_traffic(redis_url: str) -> None:
    assert read(redis_url) == {}


def test_what_cannot_be_read_is_logged_and_left_out(redis_url: str) -> None:
    one = Process(redis_url)
    appended: list[Any] = [*msgspec.msgpack.decode(OF_THE_LAST_RELEASE), "a later release's"]
    one.publish_bytes("openai|gpt-a", msgspec.msgpack.encode(appended))
    one.publish_bytes("groq|x", msgspec.msgpack.encode(["nonsense"]))
    with capture_logs() as logs:
        assert read(redis_url) == {"openai": Traffic(5, 1)}
    assert [line["event"] for line in logs] == ["health.outcomes_unreadable"]


def test_the_last_release_and_this_one_read_each_other(redis_url: str) -> None:
    assert encode_outcome(Counts(5, 1, 1, 1.5), 1_699_999_999.0) == OF_THE_LAST_RELEASE
    with redis.Redis.from_url(redis_url) as client:
        client.hset("switchyard:health:outcomes:old", "openai|gpt-a", OF_THE_LAST_RELEASE)
    assert read(redis_url) == {"openai": Traffic(5, 1)}
