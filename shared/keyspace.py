"""The only place that connects to Redis, and every key that Switchyard has in it.

All of them begin with `switchyard:`; a release reads and writes them beside the one before it.
Nothing here tries again by itself: redis-py's own retries would block for seconds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from shared.resources import Check, Checks, opener
from shared.settings import RedisSettings

__all__ = ["Redis", "SyncRedis"]

USAGE_STREAM = "switchyard:usage"
CHANGES = "switchyard:changes"
"""Tokens and keys that moved: shared/catalog/news."""
HEALTH_CIRCUITS = "switchyard:health:circuits"
HEALTH_LIMITS = "switchyard:health:limits"
HEALTH_OUTCOMES = "switchyard:health:outcomes:"
"""With a process's own id behind it, as the next has a message's."""
LIMITS = "switchyard:limits"
"""With a meter's name behind it: shared/limits/grant.py."""
QUOTES = "switchyard:quotes:"
"""With a quote's id behind it, and `:used` once it was redeemed."""
CONSOLE_SESSIONS = "switchyard:console:session:"
"""With the digest of a cookie behind it."""
CONSOLE_FAILURES = "switchyard:console:failures:"
"""With an address behind it."""
JOB_ATTEMPTS = "switchyard:worker:attempts:"
JOB_QUEUES = "switchyard:dramatiq"
"""Dramatiq's namespace."""

SERVING_S = 0.25
"""How long a server may take to connect and to answer, where a request or a probe waits."""
ENQUEUE_S = 2.0
JOB_S = 5.0


def nudge_flag(queue: str) -> str:
    """Set while a call of that queue's job is on its way."""
    return f"switchyard:{queue}:nudge"


def connect(url: str, answer_s: float = JOB_S) -> SyncRedis:
    """A client for threads. Nothing is connected before its first command.

    Each command raises redis.RedisError where there is no answer within `answer_s`.
    """
    # redis-py leaves the type of its keyword arguments open.
    return SyncRedis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        # Between commands: an idle connection whose server vanished is not handed out as sound.
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def connect_async(url: str, answer_s: float = JOB_S) -> Redis:
    """`connect`, for an event loop."""
    client: Redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        # Between commands: an idle connection whose server vanished is not handed out as sound.
        socket_keepalive=True,
        retry=AsyncRetry(NoBackoff(), 0),
    )
    return client


@opener
async def open_redis(settings: RedisSettings, checks: Checks) -> AsyncGenerator[Redis]:
    """Nothing waits for the server at start; it is not critical."""
    client: Any = connect_async(settings.url, SERVING_S)

    async def ping() -> str | None:
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            return f"Redis does not answer ({type(error).__name__}): check REDIS_URL"
        return None

    checks.append(Check("redis", ping))
    try:
        yield client
    finally:
        await client.aclose()
