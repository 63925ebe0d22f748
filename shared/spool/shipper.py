"""Sends the spool's records on.

It may crash, hang or repeat itself at any point: a segment stays on disk until a query has found
each of its ids in the table (`confirmation.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import psycopg
from redis.exceptions import RedisError

from shared.db.connect import Database
from shared.log import Outages, get_logger
from shared.metrics import (
    SPOOL_AGE_S,
    SPOOL_BYTES,
    SPOOL_UNSENT_BYTES,
    STREAM_ENTRIES,
    USAGE_GIVEN_UP,
    WRITER_LAG_S,
)
from shared.resources import end_tasks
from shared.spool.confirmation import Confirmation
from shared.spool.frames import Kind
from shared.spool.queue import UsageQueue
from shared.spool.segment import Segment
from shared.spool.spool import Spool
from shared.spool.stream import BATCH_RECORDS, StreamProducer

_SHIP = "ship"
_SHIP_EVERY_S = 0.05
_SYNC_EVERY_S = 0.02
_KEEP_HOUSE_EVERY_S = 5.0
_AFTER_A_FAILURE_S = 1.0
_LAST_SHIP_S = 2.0
_TOLD = (Kind.FINAL, Kind.UNSETTLED)
# An INTENT and a FINAL for each record.
_FRAMES_AN_ENTRY = 2 * BATCH_RECORDS
_PORTION_BYTES = 256 * 1024
# What was written within the last 50 ms is in memory still, and sooner read than a thread is begun.
_READ_AT_ONCE_BYTES = 64 * 1024


class Shipper:
    """Four loops: ship each 50 ms, sync each 20 ms, announce, and keep house now and each 5 s."""

    def __init__(
        self,
        spool: Spool,
        stream: StreamProducer | UsageQueue,
        database: Database,
        *,
        syncs: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is monotonic, in seconds."""
        self._spool = spool
        self._stream = stream
        self._confirmation = Confirmation(spool, stream, database, clock)
        self._clock = clock
        self._syncs = syncs
        self._has_records = asyncio.Event()
        self._has_unsynced = asyncio.Event()
        self._sending = asyncio.Lock()
        self._outages = Outages()
        self._tasks: list[asyncio.Task[None]] = []
        self._unheld: list[str] = []
        spool.on_record = self._note_record
        if self.holds_intents:
            spool.on_intent = self._note_intent

    @property
    def complaint(self) -> str | None:
        """What /readyz says where a step fails: nothing is lost, it waits on disk."""
        failing = ", ".join(sorted(self._outages))
        if not failing:
            return None
        return (
            "usage waits on disk: Redis, the queue or PostgreSQL is down,"
            f" or no worker writes what was sent ({failing})"
        )

    @property
    def cannot_send(self) -> bool:
        """The last try to send records on failed: they are on this disk and nowhere else."""
        return _SHIP in self._outages

    @property
    def holds_intents(self) -> bool:
        """Whether an INTENT leaves the disk too, 50 ms old, if its request is still under way."""
        return isinstance(self._stream, UsageQueue)

    def start(self) -> None:
        loops: list[Coroutine[Any, Any, None]] = [
            self._repeat(_SHIP, self._ship, _SHIP_EVERY_S, self._has_records),
            self._repeat("keep_house", self._keep_house, _KEEP_HOUSE_EVERY_S, None),
            self._stream.announce(),
        ]
        if self._syncs:
            loops.append(self._repeat("sync", self._sync, _SYNC_EVERY_S, self._has_unsynced))
        self._tasks = [asyncio.create_task(one) for one in loops]

    async def stop(self) -> None:
        """Send what is left if that goes quickly; what does not stays on disk for the next."""
        await end_tasks(*self._tasks)
        try:
            async with asyncio.timeout(_LAST_SHIP_S):
                await self._ship()
                await self._stream.nudge()
        except (RedisError, OSError) as error:
            get_logger().warning("usage.left_on_disk", error=type(error).__name__)
        if self._syncs:
            await self._sync()

    def _note_record(self) -> None:
        self._has_records.set()
        self._has_unsynced.set()

    def _note_intent(self, request_id: str) -> None:
        self._unheld.append(request_id)
        self._has_records.set()

    async def _repeat(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        every_s: float,
        wanted: asyncio.Event | None,
    ) -> None:
        # What a dead process left is adopted at once: this one may not live for long either.
        pause_s = 0.0 if wanted is None else every_s
        while True:
            if wanted is not None:
                await wanted.wait()
                wanted.clear()
            await asyncio.sleep(pause_s)
            pause_s = every_s
            try:
                await step()
            except Exception as error:  # noqa: BLE001  whatever it was, the next turn tries again
                if self._outages.begins(name):
                    is_foreseen = isinstance(error, RedisError | psycopg.Error | OSError)
                    get_logger().warning(
                        "usage.waits_on_disk",
                        step=name,
                        error=type(error).__name__,
                        exc_info=None if is_foreseen else error,
                    )
                if wanted is not None:
                    wanted.set()
                await asyncio.sleep(_AFTER_A_FAILURE_S)
            else:
                self._note_success(name)

    def _note_success(self, step: str) -> None:
        if self._outages.ends(step):
            get_logger().info("usage.goes_on", step=step)

    async def flush(self, within_s: float) -> None:
        """Send what is spooled by now, and wait until it is taken.

        Raises redis.RedisError or OSError (TimeoutError among them) where it is not. Then
        `cannot_send` holds until something is: a process may be frozen before its next turn.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._ship()
        except (RedisError, OSError):
            self._outages.begins(_SHIP)
            self._has_records.set()
            raise
        self._note_success(_SHIP)

    async def _ship(self) -> None:
        """Send what is there now; what comes meanwhile waits its 50 ms, for a fuller entry."""
        async with self._sending:
            await self._send()
            await self._hold()
        self._measure()

    async def _send(self) -> None:
        for segment in self._spool.segments():
            until = segment.offset
            while segment.shipped < until:
                await self._send_portion(segment, until)

    async def _hold(self) -> None:
        while self._unheld and isinstance(self._stream, UsageQueue):
            intent = self._spool.awaited(self._unheld[0])
            if intent is not None:
                await self._stream.hold(intent.record, intent.deadline_ms)
            self._unheld.pop(0)

    async def _send_portion(self, segment: Segment, until: int) -> None:
        if isinstance(self._stream, StreamProducer):
            # Before anything is read: in a long outage this is asked each second.
            await self._stream.check_room()
        if until - segment.shipped <= _READ_AT_ONCE_BYTES:
            frames = segment.portion(_READ_AT_ONCE_BYTES)
        else:
            frames = await asyncio.to_thread(segment.portion, _PORTION_BYTES)
        for start in range(0, len(frames), _FRAMES_AN_ENTRY):
            some = frames[start : start + _FRAMES_AN_ENTRY]
            finals = [record for _, kind, record in some if kind in _TOLD]
            if finals:
                self._confirmation.note_sent([segment], await self._stream.add(finals))
            segment.shipped = some[-1].end
        if not frames:
            # Zeros, where frames were: who confirms it finds what is missing.
            segment.shipped = until

    def _measure(self) -> None:
        segments = self._spool.segments()
        SPOOL_BYTES.set(sum(segment.offset - segment.start for segment in segments))
        SPOOL_UNSENT_BYTES.set(sum(segment.offset - segment.shipped for segment in segments))
        used = [segment.made_at for segment in segments if segment.offset > segment.start]
        SPOOL_AGE_S.set(self._clock() - min(used) if used else 0)

    async def _sync(self) -> None:
        async with self._confirmation.files:
            for segment in self._spool.segments():
                if segment.is_dirty:
                    await asyncio.to_thread(segment.sync)

    async def _keep_house(self) -> None:
        self._spool.refresh()
        self._spool.sealed[:0] = await asyncio.to_thread(self._spool.orphans)
        redis_is_away: Exception | None = None
        try:
            await self._give_up()
            if (state := await self._confirmation.look()) is not None:
                STREAM_ENTRIES.set(state.entries)
                WRITER_LAG_S.set(state.lag_s)
        except (RedisError, OSError) as error:
            redis_is_away = error
        # What PostgreSQL has can go all the same.
        await self._confirmation.run()
        if redis_is_away is not None:
            raise redis_is_away

    async def _give_up(self) -> None:
        """Send INTENTs whose FINAL never came. Where that fails they are found in their segment."""
        given_up = self._spool.give_up(time.time_ns() // 1_000_000)
        if not given_up:
            return
        get_logger().warning("usage.given_up", requests=len(given_up))
        USAGE_GIVEN_UP.inc(len(given_up))
        self._confirmation.note_sent(self._spool.segments(), await self._stream.add([], given_up))
