"""The Redis client of serving processes: fails fast, never retries by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.resources import Check, Checks, opener
from shared.settings import RedisSettings

_TIMEOUT_S = 0.25
"""redis-py's own retries block for seconds: ten of them, with 5 s each (RELIABILITY.md, 0.2)."""


@opener
async def open_redis(settings: RedisSettings, checks: Checks) -> AsyncGenerator[Redis]:
    """Nothing waits for the server at start; it is not critical."""
    client: Any = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        settings.url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        health_check_interval=0,
    )

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
