"""The reading end of the usage stream: one consumer of its group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import msgspec
import redis

from shared.ledger.batch import FIELD, GROUP, STREAM

_DEAD_AFTER_MS = 24 * 3600 * 1000

# As redis-py hands it out: an id and its fields, which are empty once the entry is deleted.
_Raw = tuple[bytes, dict[bytes, bytes] | None]


class Entry(NamedTuple):
    """`data` is what stood in FIELD, or all fields as msgpack where that one is missing."""

    id: str
    data: bytes


class UsageStream:
    """What is delivered to one consumer stays pending under its name until it is settled."""

    def __init__(self, client: redis.Redis, consumer: str) -> None:
        self._redis = client
        self._consumer = consumer

    def ensure_group(self) -> None:
        """Make the stream and its group, from the first entry on, where they are missing."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
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
                STREAM, GROUP, self._consumer, idle_ms, start_id=cursor, count=count
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
        found = self._redis.xpending_range(STREAM, GROUP, min=entry.id, max=entry.id, count=1)
        return int(found[0]["times_delivered"]) if found else 0

    def settle(self, entries: Sequence[Entry]) -> None:
        """Acknowledge the entries and delete them: else they would fill memory for good."""
        if not entries:
            return
        ids = [entry.id for entry in entries]
        with self._redis.pipeline() as pipeline:  # pyright: ignore[reportUnknownMemberType]
            pipeline.xack(STREAM, GROUP, *ids)
            pipeline.xdel(STREAM, *ids)
            pipeline.execute()

    def forget_dead_consumers(self) -> None:
        """Drop consumers silent for a day that owe nothing: each process brings a new name."""
        for consumer in self._redis.xinfo_consumers(STREAM, GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > _DEAD_AFTER_MS:
                self._redis.xgroup_delconsumer(STREAM, GROUP, consumer["name"])

    def _read(self, after: str, count: int) -> list[_Raw]:
        answer = self._redis.xreadgroup(GROUP, self._consumer, {STREAM: after}, count=count)
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
