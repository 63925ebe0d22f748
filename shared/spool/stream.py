"""The usage stream: what the shipper puts in at one end, the writer takes out at the other.

An entry has one field, FIELD: a batch (shared/ledger/batch.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import msgspec
from redis.exceptions import ResponseError

from shared.jobs import NUDGE_TTL_S, WRITE_USAGE, Dispatch, flag_of
from shared.keyspace import USAGE_STREAM, Redis, SyncRedis
from shared.ledger.batch import pack_frames
from shared.log import get_logger

GROUP = "writers"
FIELD = b"b"

BATCH_RECORDS = 500
"""Records an entry: one packed XADD of 100 costs 1.4 us a record, a single one 100 (SPEED.md)."""

MOST_ENTRIES = 1000
"""While so many wait nothing is added: what is on disk is safe there, and costs Redis nothing. At
most 150 MB, where each is full of records; 3 MB at 50 requests a second.
"""

MOST_ENTRIES_WITHOUT_A_DISK = 100_000
"""Where the stream is the safer place: an entry is a request or two then, some 100 MB together."""

_NUDGE_EVERY_S = 1.0
_DEAD_AFTER_MS = 24 * 3600 * 1000

# As redis-py hands it out: an id and its fields, which are empty once the entry is deleted.
_Raw = tuple[bytes, dict[bytes, bytes] | None]


class StreamFull(OSError):
    """So many entries wait in the stream that the writer must be behind, or away."""


class EntryId(NamedTuple):
    """Later entries have greater ids."""

    ms: int
    sequence: int

    @classmethod
    def parse(cls, text: bytes) -> EntryId:
        ms, _, sequence = text.partition(b"-")
        return cls(int(ms), int(sequence))


class StreamState(NamedTuple):
    """`first` is the oldest entry that is not written yet, `last` the newest that ever was."""

    entries: int
    first: EntryId | None
    last: EntryId

    @property
    def lag_s(self) -> float:
        """The age of the oldest entry."""
        return 0.0 if self.first is None else max(0.0, time.time() - self.first.ms / 1000)

    def may_hold(self, entry: EntryId) -> bool:
        """An entry that it does not hold was settled, or is lost with the Redis that had it."""
        return self.first is not None and self.first <= entry <= self.last


class StreamProducer:
    """The writing end: sends records on, and sees to it that a job writes them to PostgreSQL."""

    def __init__(self, redis: Redis, dispatch: Dispatch, most_entries: int | None = None) -> None:
        """`most_entries` None: MOST_ENTRIES."""
        self._redis: Any = redis
        self._dispatch = dispatch
        self._most_entries = MOST_ENTRIES if most_entries is None else most_entries
        self._unannounced = asyncio.Event()
        self._entries = 0

    async def add(self, finals: Sequence[bytes], orphans: Sequence[bytes] = ()) -> EntryId:
        """One entry with all of them. Raises StreamFull, redis.RedisError or another OSError.

        An entry whose confirmation was lost is added again; the writer bears duplicates.
        """
        await self.check_room()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(USAGE_STREAM, {FIELD: pack_frames(finals, orphans)})
            pipeline.xlen(USAGE_STREAM)
            added, self._entries = await pipeline.execute()
        self._unannounced.set()
        return EntryId.parse(added)

    async def check_room(self) -> None:
        """Raises StreamFull, redis.RedisError or another OSError."""
        if self._entries < self._most_entries:
            return
        self._entries = int(await self._redis.xlen(USAGE_STREAM))
        if self._entries >= self._most_entries:
            # Whoever empties it may have been told before it came.
            self._unannounced.set()
            raise StreamFull(f"{self._entries} entries of usage wait to be written")

    async def state(self) -> StreamState:
        """Raises redis.RedisError or OSError."""
        try:
            found = await self._redis.xinfo_stream(USAGE_STREAM)
        except ResponseError:
            return StreamState(0, None, EntryId(0, 0))
        first = found["first-entry"]
        return StreamState(
            int(found["length"]),
            EntryId.parse(first[0]) if first else None,
            EntryId.parse(found["last-generated-id"]),
        )

    async def announce(self) -> None:
        """Forever: nudge the writer's job after an add, at most once a second. It clears its flag
        before it reads, so no entry is left behind.
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
        """`Dispatch.nudge` on this process's own client, which gives up sooner than a thread's."""
        if await self._redis.set(flag_of(WRITE_USAGE), b"1", nx=True, ex=NUDGE_TTL_S):
            await self._dispatch.enqueue_soon(WRITE_USAGE)


class Entry(NamedTuple):
    """`data` is what stood in FIELD, or all fields as msgpack where that one is missing."""

    id: str
    data: bytes


class StreamConsumer:
    """The reading end: one consumer of the stream's group.

    What is delivered to one consumer stays pending under its name until it is settled.
    """

    def __init__(self, client: SyncRedis, consumer: str) -> None:
        self._redis = client
        self._consumer = consumer

    def ensure_group(self) -> None:
        """Make the stream and its group, from the first entry on, where they are missing."""
        try:
            self._redis.xgroup_create(USAGE_STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def own_pending(self, count: int) -> Iterator[list[Entry]]:
        """Entries delivered to this consumer before and not settled, `count` at a time.

        Those that were yielded must be settled before the next are asked for.
        """
        while raw := self._read("0", count):
            if entries := self._entries(raw):
                yield entries

    def claim_stale(self, count: int, idle_ms: int) -> Iterator[list[Entry]]:
        """Take over entries that any consumer has left unsettled for so long, `count` at a time."""
        cursor: bytes | str = "0-0"
        while True:
            answer = self._redis.xautoclaim(
                USAGE_STREAM, GROUP, self._consumer, idle_ms, start_id=cursor, count=count
            )
            cursor, raw = answer[:2]
            if raw:
                yield self._entries(raw)
            if cursor == b"0-0":
                return

    def unread(self, count: int) -> list[Entry]:
        """The next `count` entries that no consumer was given yet, at most."""
        return self._entries(self._read(">", count))

    def deliveries(self, entry: Entry) -> int:
        """How often the entry was given to a consumer, this time included."""
        found = self._redis.xpending_range(USAGE_STREAM, GROUP, min=entry.id, max=entry.id, count=1)
        return int(found[0]["times_delivered"]) if found else 0

    def forgive(self, entries: Sequence[Entry]) -> None:
        """Count no delivery of them: who was given them lives, and they are not at fault."""
        if entries:
            ids: Any = [entry.id for entry in entries]
            self._redis.xclaim(
                USAGE_STREAM, GROUP, self._consumer, 0, ids, retrycount=0, justid=True
            )

    def settle(self, entries: Sequence[Entry]) -> None:
        """Acknowledge the entries and delete them: else they would fill memory for good."""
        if not entries:
            return
        ids = [entry.id for entry in entries]
        with self._redis.pipeline() as pipeline:  # pyright: ignore[reportUnknownMemberType]
            pipeline.xack(USAGE_STREAM, GROUP, *ids)
            pipeline.xdel(USAGE_STREAM, *ids)
            pipeline.execute()

    def forget_dead_consumers(self) -> None:
        """Drop consumers silent for a day that owe nothing: each process brings a new name."""
        for consumer in self._redis.xinfo_consumers(USAGE_STREAM, GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > _DEAD_AFTER_MS:
                self._redis.xgroup_delconsumer(USAGE_STREAM, GROUP, consumer["name"])

    def _read(self, after: str, count: int) -> list[_Raw]:
        answer = self._redis.xreadgroup(GROUP, self._consumer, {USAGE_STREAM: after}, count=count)
        streams = cast("list[tuple[bytes, list[_Raw]]]", answer)
        return streams[0][1] if streams else []

    def _entries(self, raw: list[_Raw]) -> list[Entry]:
        """Entries with their data; what was deleted while pending has none and is settled here."""
        gone = [Entry(id_.decode(), b"") for id_, fields in raw if not fields]
        self.settle(gone)
        return [Entry(id_.decode(), _data(fields)) for id_, fields in raw if fields]


def _data(fields: dict[bytes, bytes]) -> bytes:
    data = fields.get(FIELD)
    return msgspec.msgpack.encode(fields) if data is None else data
