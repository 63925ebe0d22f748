"""Opens the way of usage out of a serving process: the spool, and the shipper that empties it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from shared.db.connect import Database
from shared.jobs import Dispatch
from shared.keyspace import Redis
from shared.resources import Check, Checks, opener
from shared.settings import SpoolSettings, UsageQueueSettings
from shared.spool.queue import UsageQueue
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.spool.stream import (
    MOST_ENTRIES,
    MOST_ENTRIES_WITHOUT_A_DISK,
    StreamProducer,
)

__all__ = ["Shipper", "Spool", "open_shipper", "open_spool"]


@opener
async def open_spool(settings: SpoolSettings, checks: Checks) -> AsyncGenerator[Spool]:
    """Raises SpoolFull where it cannot write."""
    spool = Spool(
        settings.folder,
        sync_each=settings.fsync == "always",
        max_bytes=settings.max_mb * 1024 * 1024,
    )

    async def is_writable() -> str | None:
        if not spool.is_full:
            return None
        return "the usage spool is full: free some disk, or see why nothing is written"

    checks.append(Check("usage_spool", is_writable, critical=True))
    try:
        yield spool
    finally:
        spool.close()


@opener
async def open_shipper(
    spool: Spool,
    redis: Redis,
    dispatch: Dispatch,
    database: Database,
    settings: SpoolSettings,
    queue: UsageQueueSettings,
    checks: Checks,
) -> AsyncGenerator[Shipper]:
    """Ships to the stream in Redis; on Lambda, where no worker drains it, to the queue that calls
    one. With SPOOL_EPHEMERAL there is no answer while records cannot be sent on; PostgreSQL may be
    away.
    """
    most = MOST_ENTRIES_WITHOUT_A_DISK if settings.ephemeral else MOST_ENTRIES
    stream = StreamProducer(redis, dispatch, most)
    way_out = UsageQueue(queue.queue_url) if queue.queue_url else stream
    shipper = Shipper(spool, way_out, database, syncs=settings.fsync == "interval")

    async def is_shipped() -> str | None:
        return shipper.complaint

    async def is_sent() -> str | None:
        return shipper.complaint if shipper.cannot_send else None

    checks.append(Check("usage_stream", is_shipped))
    if settings.ephemeral:
        checks.append(Check("usage_stream_on_ephemeral_disk", is_sent, critical=True))
    shipper.start()
    try:
        yield shipper
    finally:
        await shipper.stop()
