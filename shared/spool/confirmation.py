"""Removes segments whose records PostgreSQL has, and sends again what was lost on the way to it.

The oldest comes first. While the stream may still hold what a segment lacks, the writer is behind,
and what came later is not there either: nothing is read, asked for or sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from shared.db.connect import Database
from shared.ledger.rows import missing_request_ids
from shared.log import get_logger
from shared.metrics import SPOOL_DAMAGED
from shared.spool.contents import Contents, read_contents
from shared.spool.queue import UsageQueue
from shared.spool.segment import Segment
from shared.spool.spool import Spool
from shared.spool.stream import BATCH_RECORDS, EntryId, StreamProducer, StreamState

_SEND_AGAIN_AFTER_S = 30.0
_SEND_AGAIN_WITHIN_S = 3600.0
_IDS_A_QUERY = 5000


class _Sent:
    """What became of a segment. No entry with a record of it is newer than `last` (None: not
    known), and none was added after `at`. `again`: how often it was sent again. `awaited`: an id
    that was missing when it was last looked at, and whether only a final row would do.
    """

    def __init__(self) -> None:
        self.last: EntryId | None = None
        self.at = float("-inf")
        self.again = 0
        self.awaited: tuple[str, bool] | None = None
        self.is_told = False


class Confirmation:
    """What became of the segments of one spool after they were sent."""

    def __init__(
        self,
        spool: Spool,
        stream: StreamProducer | UsageQueue,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is monotonic, in seconds."""
        self.files = asyncio.Lock()
        """Held while a file of the spool is closed, or used in a thread."""
        self._spool = spool
        self._stream = stream
        self._database = database
        self._clock = clock
        self._sent: dict[Segment, _Sent] = {}
        self._state: StreamState | None = None
        self._looked_at = clock()

    def note_sent(self, segments: Iterable[Segment], entry: EntryId | None) -> None:
        """Records of them were sent on, none of them behind `entry`."""
        for segment in segments:
            sent = self._sent.setdefault(segment, _Sent())
            sent.last, sent.at = entry, self._clock()

    async def look(self) -> StreamState | None:
        """What the stream holds; None for a queue, which nobody can ask.

        Raises redis.RedisError or OSError; then nothing is sent again until it is known.
        """
        self._state, self._looked_at = None, self._clock()
        if isinstance(self._stream, StreamProducer):
            self._state = await self._stream.state()
        return self._state

    async def run(self) -> None:
        """Look at the sealed segments, after `look`.

        Raises psycopg.Error, redis.RedisError or OSError.
        """
        for segment in self._spool.sealed:
            sent = self._sent.setdefault(segment, _Sent())
            if sent.last is None and self._state is not None:
                # A dead process may have sent it: all that is there may be of it.
                sent.last = self._state.last
        for segment in tuple(self._spool.sealed):
            if self._spool.is_settled(segment) and not await self._confirm(segment):
                return

    async def _confirm(self, segment: Segment) -> bool:
        """Whether it is worth looking at the next one."""
        sent = self._sent[segment]
        is_held = self._may_be_held(sent)
        is_due = not is_held and self._is_due(sent)
        if not is_due and await self._still_awaits(sent):
            return not is_held
        contents = await self._read(segment, sent)
        if contents is None:
            return True
        others = {**contents.unsettled, **contents.orphans}
        missing = await self._missing([*contents.finals], final_only=True)
        missing_others = await self._missing([*others], final_only=False)
        if not missing and not missing_others:
            await self._let_go(segment, contents)
            return True
        sent.awaited = _newest(contents.finals, missing, True) or _newest(
            others, missing_others, False
        )
        if not is_due:
            return not is_held
        await self._send_missing(segment, missing | missing_others)
        sent.again += 1
        return False

    def _may_be_held(self, sent: _Sent) -> bool:
        if self._state is None or sent.last is None:
            return False
        return sent.at >= self._looked_at or self._state.may_hold(sent.last)

    def _is_due(self, sent: _Sent) -> bool:
        """Whether what is missing is to be sent again now: at once where the stream has lost it,
        then after a time that doubles.
        """
        again = sent.again
        if isinstance(self._stream, StreamProducer):
            if self._state is None:
                return False
            again -= 1
        if again < 0:
            return True
        wait_s = min(_SEND_AGAIN_AFTER_S * 2.0 ** min(again, 30), _SEND_AGAIN_WITHIN_S)
        return self._clock() - sent.at >= wait_s

    async def _still_awaits(self, sent: _Sent) -> bool:
        """One id is asked for, so that a segment is not read while the writer is behind."""
        if sent.awaited is None:
            return False
        name, final_only = sent.awaited
        return bool(await self._missing([name], final_only=final_only))

    async def _read(self, segment: Segment, sent: _Sent) -> Contents | None:
        """The ids in it, without the disk that it does not need; None where it cannot be read."""
        facts = {"segment": segment.path.name}
        async with self.files:
            try:
                contents = await asyncio.to_thread(read_contents, segment, ids_only=True)
                segment.offset = segment.shipped = contents.end
                await asyncio.to_thread(segment.cut)
            except OSError as error:
                if not sent.is_told:
                    get_logger().error("spool.unreadable", **facts, error=error.strerror)
                sent.is_told = True
                return None
        if contents.damaged and not sent.is_told:
            SPOOL_DAMAGED.inc(contents.damaged)
            get_logger().error("spool.damaged", **facts, stretches=contents.damaged)
            sent.is_told = True
        return contents

    async def _let_go(self, segment: Segment, contents: Contents) -> None:
        async with self.files:
            self._spool.sealed.remove(segment)
            self._sent.pop(segment)
            if not contents.damaged:
                await asyncio.to_thread(segment.remove)
                return
            kept = await asyncio.to_thread(segment.set_aside)
        get_logger().error("spool.set_aside", file=kept.name, stretches=contents.damaged)

    async def _send_missing(self, segment: Segment, missing: set[str]) -> None:
        async with self.files:
            contents = await asyncio.to_thread(read_contents, segment)
        told = [*contents.finals.items(), *contents.unsettled.items()]
        await self._send_again(segment, [record for name, record in told if name in missing], ())
        orphans = [record for name, record in contents.orphans.items() if name in missing]
        await self._send_again(segment, (), orphans)

    async def _send_again(
        self, segment: Segment, finals: Sequence[bytes], orphans: Sequence[bytes]
    ) -> None:
        for start in range(0, len(finals) + len(orphans), BATCH_RECORDS):
            end = start + BATCH_RECORDS
            self.note_sent([segment], await self._stream.add(finals[start:end], orphans[start:end]))

    async def _missing(self, names: Sequence[str], *, final_only: bool) -> set[str]:
        missing: set[str] = set()
        for start in range(0, len(names), _IDS_A_QUERY):
            some = names[start : start + _IDS_A_QUERY]
            async with self._database.connection() as connection:
                missing |= await missing_request_ids(connection, some, final_only=final_only)
        return missing


def _newest(
    records: dict[str, bytes], missing: set[str], final_only: bool
) -> tuple[str, bool] | None:
    for name in reversed(records):
        if name in missing:
            return name, final_only
    return None
