"""Opens what a run of checks needs, in the process of the queue, and closes it at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from redis.exceptions import RedisError

from functions.check_health.run import Checker, check_health
from shared.db.connect import connect_once
from shared.health.hysteresis import Traffic
from shared.health.outcomes import read_traffic
from shared.jobs import CHECK_HEALTH
from shared.keyspace import connect_async
from shared.log import get_logger
from shared.settings import (
    DatabaseSettings,
    HealthSettings,
    LiteLLMSettings,
    ProviderSettings,
    RedisSettings,
    Settings,
    TryOutSettings,
    UpstreamSettings,
    VaultSettings,
    load_settings,
)
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.platform_keys import PlatformKeys
from shared.upstream.transport import Transport
from shared.vault.sealing import Vault
from shared.vault.sources import read_key_ring

SETTINGS = (
    DatabaseSettings,
    HealthSettings,
    LiteLLMSettings,
    ProviderSettings,
    RedisSettings,
    TryOutSettings,
    UpstreamSettings,
    VaultSettings,
)


def run_check(run: str | None = None) -> int:
    """check_health, in this thread. Raises psycopg.Error, TimeoutError behind its `longest_s`.

    Without a name it is the run of the present slot of the interval, for a platform whose timer
    gives none.
    """
    settings = _settings()
    return asyncio.run(_run(settings, run or _present_run(settings[HealthSettings].interval_s)))


def _present_run(interval_s: int) -> str:
    slot = int(datetime.now(UTC).timestamp()) // interval_s * interval_s
    return f"timer:{datetime.fromtimestamp(slot, UTC):%Y-%m-%dT%H:%M:%SZ}"


@cache
def _settings() -> Settings:
    return load_settings(*SETTINGS)


async def _run(settings: Settings, run: str) -> int:
    transport = Transport.from_settings(settings[UpstreamSettings])
    try:
        async with (
            asyncio.timeout(CHECK_HEALTH.longest_s),
            connect_once(settings[DatabaseSettings].dsn) as connection,
        ):
            checker = Checker(
                connection=connection,
                transport=transport,
                access=_access(settings),
                read_traffic=lambda: _traffic(settings[RedisSettings].url),
                interval_s=settings[HealthSettings].interval_s,
            )
            return await check_health(checker, run)
    finally:
        await transport.aclose()


def _access(settings: Settings) -> PlatformAccess:
    """The platform's keys: the one that an admin stored, else the environment's.

    Raises ValueError for an encryption key that is not valid; without any, stored keys stay closed.
    """
    ring = settings[VaultSettings]
    has_ring = ring.byok_encryption_key is not None or ring.key_source != "env"
    vault = Vault(read_key_ring(ring)) if has_ring else None
    keys = PlatformKeys.from_settings(settings[ProviderSettings], vault)
    return PlatformAccess.from_settings(
        settings[ProviderSettings], settings[TryOutSettings], settings[LiteLLMSettings], keys
    )


async def _traffic(url: str) -> Mapping[str, Traffic] | None:
    """None where Redis is down."""
    client = connect_async(url)
    try:
        return await read_traffic(client)
    except RedisError as error:
        get_logger().warning("health.traffic_unread", reason=type(error).__name__)
        return None
    finally:
        await client.aclose()
