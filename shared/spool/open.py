"""Opens the way of usage out of a serving process: the spool, and the shipper that empties it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from shared.db.connect import Database
from shared.jobs import Dispatch
from shared.resources import Check, Resources
from shared.settings import SpoolSettings, UsageQueueSettings
from shared.spool.queue import UsageQueue
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.spool.stream import UsageStream


@asynccontextmanager
async def open_usage(resources: Resources) -> AsyncGenerator[None]:
    """Put a Spool and its Shipper. Needs Database, Redis and Dispatch.

    Raises SpoolFull where it cannot write. With SPOOL_EPHEMERAL there is no answer while records
    cannot be sent on; PostgreSQL may be away.
    """
    settings = resources.settings[SpoolSettings]
    spool = Spool(settings.folder, sync_each=settings.fsync == "always")
    shipper = Shipper(
        spool,
        _way_out(resources),
        resources.get(Database),
        syncs=settings.fsync == "interval",
    )

    async def is_writable() -> str | None:
        return "the usage spool is full: free some disk" if spool.is_full else None

    async def is_shipped() -> str | None:
        return shipper.complaint

    async def is_sent() -> str | None:
        return shipper.complaint if shipper.cannot_send else None

    resources.put(spool)
    resources.put(shipper)
    resources.checks.append(Check("usage_spool", is_writable, critical=True))
    resources.checks.append(Check("usage_stream", is_shipped))
    if settings.ephemeral:
        resources.checks.append(Check("usage_stream_on_ephemeral_disk", is_sent, critical=True))
    shipper.start()
    try:
        yield
    finally:
        await shipper.stop()
        spool.close()


def _way_out(resources: Resources) -> UsageStream | UsageQueue:
    """The stream in Redis, or on Lambda, where no worker drains it, the queue that calls one."""
    queue_url = resources.settings[UsageQueueSettings].queue_url
    if queue_url is not None:
        return UsageQueue(queue_url)
    return UsageStream(resources.get(Redis), resources.get(Dispatch))
