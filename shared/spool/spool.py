"""The spool: usage on disk before the call (INTENT) and before the answer's last byte (FINAL).

A record that is here is never lost: not with the process, which leaves its segments to the next
one, and not for want of room, because an INTENT reserves the room of its FINAL. Everything is
synchronous and takes a few microseconds; sending records on is the shipper's work.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from shared.errors import SpoolFull
from shared.ledger.record import UsageFinal, UsageIntent
from shared.log import get_logger
from shared.spool.frames import OVERHEAD, Kind
from shared.spool.segment import SEGMENT_BYTES, SUFFIX, Segment, sweep_unfinished

RESERVED_BYTES = 4096
"""Room for one FINAL; a longer one loses the texts that bill nothing (`_compact`)."""

_FULL_AGE_S = 60.0
_encode = msgspec.msgpack.Encoder().encode


class OpenIntent(NamedTuple):
    segment: Segment
    deadline_ms: int
    record: bytes


class Spool:
    """The segments of one process. `on_record` is called after each FINAL.

    `sealed` segments take no new INTENT; they go once PostgreSQL has what is in them.
    """

    def __init__(self, folder: Path, *, sync_each: bool = False, size: int = SEGMENT_BYTES) -> None:
        """Raises SpoolFull where no segment can be made."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._size = size
        self._sync_each = sync_each
        self.on_record: Callable[[], None] = _do_nothing
        self.sealed: list[Segment] = []
        self.is_full = False
        self._open: dict[str, OpenIntent] = {}
        self._active = self._make()

    def intent(self, intent: UsageIntent) -> None:
        """Raises SpoolFull: then nothing may be sent upstream."""
        record = _encode(intent)
        segment = self._active
        if segment.room < len(record) + OVERHEAD + RESERVED_BYTES:
            segment = self._rotate()
        self._append(segment, Kind.INTENT, record)
        self.is_full = False
        segment.reserved += RESERVED_BYTES
        self._open[intent.request_id] = OpenIntent(segment, intent.deadline_ms, record)

    def final(self, final: UsageFinal) -> None:
        """Close the INTENT with what the request used; without one (it was given up as
        indeterminate) the FINAL is written all the same, and replaces that row.
        """
        record = _encode(final)
        if len(record) + OVERHEAD > RESERVED_BYTES:
            record = _encode(_compact(final))
        kind = Kind.FINAL if final.state == "final" else Kind.UNSETTLED
        self._close(final.request_id, kind, record)
        self.on_record()

    def drop(self, request_id: str) -> None:
        """Take the INTENT back: nothing was sent upstream."""
        self._close(request_id, Kind.DROP, request_id.encode())

    def give_up(self, now_ms: int) -> list[bytes]:
        """The INTENT records past their deadline, which count as closed from now on."""
        late = [name for name, intent in self._open.items() if intent.deadline_ms < now_ms]
        records: list[bytes] = []
        for name in late:
            intent = self._open.pop(name)
            intent.segment.reserved -= RESERVED_BYTES
            records.append(intent.record)
        return records

    def refresh(self) -> None:
        """Begin a new segment where there was no room for one, or where this one is old: only a
        segment that takes no more records can be confirmed and removed.
        """
        segment = self._active
        is_used = segment.offset > segment.start
        if self.is_full or (is_used and time.monotonic() - segment.made_at > _FULL_AGE_S):
            with contextlib.suppress(SpoolFull):
                self._rotate()

    def segments(self) -> list[Segment]:
        """All of this process, oldest first."""
        return [*self.sealed, self._active]

    def is_settled(self, segment: Segment) -> bool:
        """Whether no FINAL is awaited in the sealed `segment` and all of it was sent on."""
        return segment.reserved == 0 and segment.shipped == segment.offset

    def orphans(self) -> list[Segment]:
        """Segments of processes that are gone; their locks are ours from now on."""
        sweep_unfinished(self._folder)
        own = {segment.path for segment in self.segments()}
        paths = sorted(path for path in self._folder.glob("*" + SUFFIX) if path not in own)
        found = [segment for path in paths if (segment := Segment.adopt(path)) is not None]
        if found:
            get_logger().info("spool.adopted", segments=len(found))
        return found

    def close(self) -> None:
        """Leave every segment to the next process."""
        for segment in self.segments():
            segment.leave()

    def _close(self, request_id: str, kind: Kind, record: bytes) -> None:
        intent = self._open.pop(request_id, None)
        if intent is not None:
            intent.segment.reserved -= RESERVED_BYTES
            self._append(intent.segment, kind, record)
            return
        segment = self._active
        if segment.room < len(record) + OVERHEAD:
            segment = self._rotate()
        self._append(segment, kind, record)

    def _append(self, segment: Segment, kind: Kind, record: bytes) -> None:
        segment.append(kind, record)
        if self._sync_each:
            segment.sync()

    def _rotate(self) -> Segment:
        segment = self._make()
        self.sealed.append(self._active)
        self._active = segment
        return segment

    def _make(self) -> Segment:
        try:
            segment = Segment.make(self._folder, self._size)
        except OSError as error:
            if not self.is_full:
                get_logger().error("spool.full", error=os.strerror(error.errno or 0))
            self.is_full = True
            words = "is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "is not writable"
            raise SpoolFull(
                f"Usage cannot be recorded right now: the usage spool {words}.", retry_after_s=5.0
            ) from error
        self.is_full = False
        return segment


def _compact(final: UsageFinal) -> UsageFinal:
    """The record without what does not bill: long texts of the client, details of attempts."""
    return msgspec.structs.replace(
        final,
        model_requested=_short(final.model_requested),
        model_served=_short(final.model_served),
        session_id=_short(final.session_id),
        end_user=_short(final.end_user),
        error_detail=None,
        tags=None,
        user_agent=None,
        attempts=(),
    )


def _short(text: str | None) -> str | None:
    return None if text is None else text[:100]


def _do_nothing() -> None:
    pass
