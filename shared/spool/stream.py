"""The way out of the spool: packed batches into the usage stream, and a nudge to the writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from shared.jobs import Dispatch
from shared.keyspace import Redis
from shared.ledger.batch import (
    FIELD,
    NUDGE,
    NUDGE_TTL_S,
    STREAM,
    WRITE_ACTOR,
    WRITE_QUEUE,
    pack_frames,
)
from shared.log import get_logger

BATCH_RECORDS = 500
"""Records an entry: one packed XADD of 100 costs 1.4 us a record, a single one 100 (SPEED.md)."""

_NUDGE_EVERY_S = 1.0


class UsageStream:
    """Sends records on, and sees to it that a job will write them to PostgreSQL."""

    def __init__(self, redis: Redis, dispatch: Dispatch) -> None:
        self._redis: Any = redis
        self._dispatch = dispatch
        self._unannounced = asyncio.Event()

    async def add(self, finals: Sequence[bytes], orphans: Sequence[bytes] = ()) -> None:
        """One entry with all of them. Raises redis.RedisError or OSError.

        An entry whose confirmation was lost is added again; the writer bears duplicates.
        """
        await self._redis.xadd(STREAM, {FIELD: pack_frames(finals, orphans)})
        self._unannounced.set()

    async def backlog(self) -> tuple[int, float]:
        """Entries that are not written yet, and the age of the oldest in seconds.

        An entry leaves the stream once it is written. Raises redis.RedisError or OSError.
        """
        entries = int(await self._redis.xlen(STREAM))
        oldest = await self._redis.xrange(STREAM, count=1)
        if not oldest:
            return entries, 0.0
        added_ms = int(oldest[0][0].split(b"-")[0])
        return entries, max(0.0, time.time() - added_ms / 1000)

    async def announce(self) -> None:
        """Forever: enqueue the writer's job after an add, at most once a second.

        The flag in Redis says that a job is on its way; the job clears it before it reads, so no
        entry is left behind, and nothing piles up where no worker runs.
        """
        while True:
            await self._unannounced.wait()
            self._unannounced.clear()
            try:
                await self.nudge()
            except Exception as error:  # noqa: BLE001  the clock's own nudge comes within 5 s
                get_logger().warning("usage.nudge_failed", error=type(error).__name__)
            await asyncio.sleep(_NUDGE_EVERY_S)

    async def nudge(self) -> None:
        if await self._redis.set(NUDGE, b"1", nx=True, ex=NUDGE_TTL_S):
            await self._dispatch.enqueue_soon(WRITE_ACTOR, WRITE_QUEUE)
