"""Jobs are enqueued by name, and who enqueues pays for Dramatiq only then."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
import redis
from dramatiq import Message

from shared.jobs import CHECK_HEALTH, Dispatch, open_dispatch
from shared.keyspace import JOB_QUEUES
from shared.settings import RedisSettings, load_settings


def messages(redis_url: str, queue: str) -> list[Message[object]]:
    with redis.Redis.from_url(redis_url) as client:
        ids = client.lrange(f"{JOB_QUEUES}:{queue}", 0, -1)
        return [Message.decode(client.hget(f"{JOB_QUEUES}:{queue}.msgs", id_)) for id_ in ids]


def test_a_job_is_enqueued_by_name_with_its_arguments(redis_url: str) -> None:
    dispatch = Dispatch(redis_url)
    ids = [dispatch.enqueue(CHECK_HEALTH, provider=n) for n in ("openai", "groq")]
    dispatch.close()
    held = messages(redis_url, "health")
    assert [message.message_id for message in held] == ids
    assert [(m.actor_name, m.queue_name, m.kwargs) for m in held] == [
        ("health.check", "health", {"provider": "openai"}),
        ("health.check", "health", {"provider": "groq"}),
    ]


def test_an_app_enqueues_without_holding_up_its_event_loop(redis_url: str) -> None:
    async def serve() -> str:
        settings = load_settings(RedisSettings, REDIS_URL=redis_url)[RedisSettings]
        async with open_dispatch(settings) as dispatch:
            return await dispatch.enqueue_soon(CHECK_HEALTH, reason="x")

    message_id = asyncio.run(serve())
    assert [message.message_id for message in messages(redis_url, "health")] == [message_id]


def test_a_redis_that_is_away_is_an_error_and_one_that_is_back_is_asked_again(
    redis_url: str,
) -> None:
    with pytest.raises(redis.ConnectionError):
        Dispatch("redis://127.0.0.1:1/0").enqueue(CHECK_HEALTH)
    dispatch = Dispatch(redis_url)
    dispatch.enqueue(CHECK_HEALTH)
    dispatch.close()
    dispatch.enqueue(CHECK_HEALTH)
    dispatch.close()
    assert len(messages(redis_url, "health")) == 2


def test_dramatiq_is_not_imported_before_the_first_job() -> None:
    code = "import sys, shared.jobs as d; d.Dispatch('redis://localhost'); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "shared.jobs" in loaded
    assert not {"dramatiq", "redis"} & set(loaded)
