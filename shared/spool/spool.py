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
from typing import Any, NamedTuple

import msgspec

from shared.errors import SpoolFull
from shared.ledger.record import UsageFinal, UsageIntent
from shared.log import get_logger
from shared.spool.frames import OVERHEAD, Kind
from shared.spool.segment import SEGMENT_BYTES, SUFFIX, Segment, sweep_unfinished

RESERVED_BYTES = 4096
"""Room for one FINAL; a longer one loses the texts that bill nothing (`_compact`)."""

MAX_BYTES = 4 * 1024**3
"""About a day at 50 requests a second; then requests are refused, as on a full disk."""

_FULL_AGE_S = 60.0
_FULL_FOR_S = 0.25
_MOST_HELD = 64
_SHORT_BYTES = 100
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# By whom and by what a row is billed.
_KEPT = {"request_id", "user_id", "team_id", "state", "billed_to", "cost_quality"}
_encode = msgspec.msgpack.Encoder().encode
# Python 3.11 looks a member up by a call, and this is asked in each request.
_INTENT = Kind.INTENT
_FINAL = Kind.FINAL


class OpenIntent(NamedTuple):
    segment: Segment
    deadline_ms: int
    record: bytes


class Spool:
    """The segments of one process. `on_record` is called after each FINAL,
    `on_intent` with the request of each INTENT.

    `sealed` segments take no new INTENT; they go once PostgreSQL has what is in them. Each holds a
    file open. `max_bytes` bounds the folder, which other processes may share; `clock` is monotonic,
    in seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sync_each: bool = False,
        size: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises SpoolFull where no segment can be made."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._size = size
        self._sync_each = sync_each
        self._max_bytes = max_bytes
        self._clock = clock
        self._full_until = clock()
        self.on_record: Callable[[], None] = _do_nothing
        self.on_intent: Callable[[str], None] | None = None
        self.sealed: list[Segment] = []
        self.is_full = False
        self._open: dict[str, OpenIntent] = {}
        # Also where the folder is at its bound: what is in it can only go if a process runs.
        self._active = self._make(is_bounded=False)

    def intent(self, intent: UsageIntent) -> None:
        """Raises SpoolFull: then nothing may be sent upstream."""
        record = _encoded(intent)
        segment = self._active
        if segment.room < len(record) + OVERHEAD + RESERVED_BYTES:
            segment = self._rotate()
        self._append(segment, _INTENT, record)
        self.is_full = False
        segment.reserved += RESERVED_BYTES
        self._open[intent.request_id] = OpenIntent(segment, intent.deadline_ms, record)
        if self.on_intent is not None:
            self.on_intent(intent.request_id)

    def final(self, final: UsageFinal) -> None:
        """Close the INTENT with what the request used; without one (it was given up as
        indeterminate) the FINAL is written all the same, and replaces that row.
        """
        record = _encoded(final)
        kind = Kind.UNSETTLED if final.state == "indeterminate" else _FINAL
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

    def awaited(self, request_id: str) -> OpenIntent | None:
        """The INTENT of a request that is under way."""
        return self._open.get(request_id)

    def refresh(self) -> None:
        """Begin a new segment where there was no room for one, or where this one is old: only a
        segment that takes no more records can be confirmed and removed. While one waits for that,
        another would only take more of the disk.
        """
        segment = self._active
        is_used = segment.offset > segment.start
        is_old = not self.sealed and self._clock() - segment.made_at > _FULL_AGE_S
        if self.is_full or (is_used and is_old):
            with contextlib.suppress(SpoolFull):
                self._rotate()

    def segments(self) -> list[Segment]:
        """All of this process, oldest first."""
        return [*self.sealed, self._active]

    def is_settled(self, segment: Segment) -> bool:
        """Whether no FINAL is awaited in the sealed `segment` and all of it was sent on."""
        return segment.reserved == 0 and segment.shipped == segment.offset

    def orphans(self) -> list[Segment]:
        """Segments of processes that are gone; their locks are ours from now on.

        Oldest first, and no more than a process may hold open. It reads the disk: call it in a
        thread.
        """
        sweep_unfinished(self._folder)
        own = {segment.path for segment in self.segments()}
        found: list[Segment] = []
        for path in sorted(self._folder.glob("*" + SUFFIX)):
            if len(own) + len(found) >= _MOST_HELD:
                break
            if path not in own and (segment := Segment.adopt(path)) is not None:
                found.append(segment)
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
            # Beyond the bound if need be: it is an answer's bill.
            segment = self._rotate(is_bounded=False)
        self._append(segment, kind, record)

    def _append(self, segment: Segment, kind: Kind, record: bytes) -> None:
        segment.append(kind, record)
        if self._sync_each:
            segment.sync()

    def _rotate(self, *, is_bounded: bool = True) -> Segment:
        segment = self._make(is_bounded=is_bounded)
        self.sealed.append(self._active)
        self._active = segment
        return segment

    def _make(self, *, is_bounded: bool = True) -> Segment:
        try:
            if is_bounded:
                self._refuse_above_bound()
            segment = Segment.make(self._folder, self._size)
        except OSError as error:
            if not self.is_full:
                get_logger().error("spool.full", error=error.strerror)
            self.is_full = True
            words = "is full" if error.errno in _NO_ROOM else "is not writable"
            raise SpoolFull(
                f"Usage cannot be recorded right now: the usage spool {words}.", retry_after_s=5.0
            ) from error
        self.is_full = False
        segment.made_at = self._clock()
        return segment

    def _refuse_above_bound(self) -> None:
        """Raises OSError of EDQUOT. Looks at the folder a few times a second at most."""
        if self._clock() >= self._full_until:
            if _bytes_in(self._folder) + self._size <= self._max_bytes:
                return
            self._full_until = self._clock() + _FULL_FOR_S
        raise OSError(errno.EDQUOT, "SPOOL_MAX_MB is reached")


def _bytes_in(folder: Path) -> int:
    taken = 0
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            taken += entry.stat().st_size
    return taken


def _encoded(record: UsageIntent | UsageFinal) -> bytes:
    """The record, short of what does not bill where it is too long, or holds half a character."""
    try:
        encoded = _encode(record)
    except UnicodeEncodeError:
        return _encode(_compact(record))
    if len(encoded) + OVERHEAD > RESERVED_BYTES:
        return _encode(_compact(record))
    return encoded


def _compact(record: UsageIntent | UsageFinal) -> UsageIntent | UsageFinal:
    """The record without what does not bill: long texts of the client, details of attempts."""
    dropped: dict[str, Any] = {"user_agent": None, "tags": None}
    if isinstance(record, UsageFinal):
        dropped |= {"error_detail": None, "attempts": ()}
    short = {
        name: value.encode(errors="replace")[:_SHORT_BYTES].decode(errors="ignore")
        for name in record.__struct_fields__
        if name not in _KEPT and isinstance(value := getattr(record, name), str)
    }
    return msgspec.structs.replace(record, **{**short, **dropped})


def _do_nothing() -> None:
    pass
