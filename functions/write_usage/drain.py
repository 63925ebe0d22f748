"""From the usage stream into PostgreSQL: everything that waits, each record exactly once.

An entry leaves the stream only after the commit of what was in it, so a writer may die at any
point: the entry is delivered again, and the rows it has already become are not written twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import psycopg

from shared.keyspace import SyncRedis
from shared.ledger.batch import Batch, decode_batch, encode_batch, pack_frames, unpack_frames
from shared.ledger.faults import InvalidRecord, is_at_fault, is_away
from shared.ledger.quarantine import quarantine
from shared.ledger.record import UsageFinal, UsageIntent
from shared.ledger.rows import write_batch
from shared.log import get_logger, one_line
from shared.spool.stream import Entry, StreamConsumer

STALE_AFTER_MS = 30_000
"""Longer than the slowest commit: sooner, two writers would take turns at one entry."""

LONGEST_S = 60.0
MAX_DELIVERIES = 5
"""An entry that so many writers were given and none settled is what they die of. Those that the
database failed do not count.
"""

_ENTRIES_AT_ONCE = 16
_BYTES_AT_ONCE = 8_000_000  # about 20,000 rows: the more at once, the fewer updates of daily sums


OnWritten = Callable[[Sequence[UsageFinal]], None]


class TooOftenDelivered(Exception):
    """Nobody could say what was wrong with an entry."""


class Record(NamedTuple):
    stream_id: str
    content: UsageFinal | UsageIntent


def drain(
    client: SyncRedis,
    connect: Callable[[], psycopg.Connection[Any]],
    consumer: str,
    *,
    stale_after_ms: int = STALE_AFTER_MS,
    longest_s: float = LONGEST_S,
    is_told: bool = True,
    on_written: OnWritten | None = None,
) -> int:
    """Write until the stream is empty, or for `longest_s`; the number of rows that were written.

    `consumer` names who reads: no two drains that run at once may share it. What others left
    unsettled for `stale_after_ms` is taken over first. `is_told`: as in write_batch. `on_written`:
    as in write_entries.

    Raises psycopg.Error or redis.RedisError where a server is at fault: what was read and not yet
    written stays in the stream and is delivered again, however often that takes.
    """
    stream = StreamConsumer(client, consumer)
    stream.ensure_group()
    connection = connect()
    until = time.monotonic() + longest_s
    rows = 0
    for entries in _deliveries(stream, stale_after_ms):
        if len(entries) == 1 and stream.deliveries(entries[0]) > MAX_DELIVERIES:
            _give_up(connection, entries[0])
        else:
            rows += _survive(connection, stream, entries, is_told, on_written)
        stream.settle(entries)
        if time.monotonic() > until:
            break
    stream.forget_dead_consumers()
    return rows


def _deliveries(stream: StreamConsumer, stale_after_ms: int) -> Iterator[list[Entry]]:
    """What to write at once, in turn. Each must be settled before the next is asked for.

    An entry that was delivered before goes alone: its size may be what its first reader died of.
    """
    yield from stream.own_pending(1)
    yield from stream.claim_stale(1, stale_after_ms)
    while entries := _merged(stream):
        yield entries


def _merged(stream: StreamConsumer) -> list[Entry]:
    """Unread entries of about _BYTES_AT_ONCE together, or all there are."""
    merged: list[Entry] = []
    size = 0
    while size < _BYTES_AT_ONCE and (entries := stream.unread(_ENTRIES_AT_ONCE)):
        merged += entries
        size += sum(len(entry.data) for entry in entries)
    return merged


def _survive(
    connection: psycopg.Connection[Any],
    stream: StreamConsumer,
    entries: Sequence[Entry],
    is_told: bool,
    on_written: OnWritten | None,
) -> int:
    """write_entries; where the database fails, or the worker is told to end, and no entry is at
    fault, their deliveries do not count.
    """
    try:
        return write_entries(connection, entries, is_told=is_told, on_written=on_written)
    except BaseException as error:
        if not isinstance(error, Exception) or is_away(error):
            stream.forgive(entries)
        raise


def _give_up(connection: psycopg.Connection[Any], entry: Entry) -> None:
    """Set it aside record by record, and none of them decoded: that may be what nobody survives."""
    reason = TooOftenDelivered(f"{MAX_DELIVERIES} writers were given it, and none settled it")
    try:
        finals, orphans = unpack_frames(entry.data)
    except msgspec.DecodeError:
        _set_aside(connection, entry.id, None, entry.data, reason)
        return
    for payload in _each(finals, orphans):
        _set_aside(connection, entry.id, None, payload, reason)


def write_entries(
    connection: psycopg.Connection[Any],
    entries: Sequence[Entry],
    *,
    is_told: bool = True,
    on_written: OnWritten | None = None,
) -> int:
    """The number of rows; what is at fault goes to the quarantine. Raises psycopg.Error.

    `on_written` is told what was committed; what was delivered twice it may be told twice.
    """
    records: list[Record] = []
    for entry in entries:
        try:
            records += _records(entry.id, entry.data)
        except msgspec.DecodeError:
            records += _sound_records(connection, entry)
    return _write(connection, records, is_told, on_written)


def _records(stream_id: str, data: bytes) -> list[Record]:
    batch = decode_batch(data)
    return [Record(stream_id, one) for one in (*batch.finals, *batch.orphans)]


def _sound_records(connection: psycopg.Connection[Any], entry: Entry) -> list[Record]:
    """Those of the entry that can be decoded; the others are set aside, each by itself."""
    try:
        finals, orphans = unpack_frames(entry.data)
    except msgspec.DecodeError as error:
        _set_aside(connection, entry.id, None, entry.data, error)
        return []
    records: list[Record] = []
    for payload in _each(finals, orphans):
        try:
            records += _records(entry.id, payload)
        except msgspec.DecodeError as error:
            _set_aside(connection, entry.id, None, payload, error)
    return records


def _each(finals: Sequence[bytes], orphans: Sequence[bytes]) -> Iterator[bytes]:
    """A batch for each record."""
    for one in finals:
        yield pack_frames((one,), ())
    for one in orphans:
        yield pack_frames((), (one,))


def _write(
    connection: psycopg.Connection[Any],
    records: Sequence[Record],
    is_told: bool,
    on_written: OnWritten | None,
) -> int:
    """Write all together; where one is at fault, halve until it stands alone, and set it aside."""
    finals, orphans = _by_kind(records)
    try:
        rows = write_batch(connection, finals, orphans, is_told=is_told).rows
    except (InvalidRecord, psycopg.Error) as error:
        if not is_at_fault(error):
            raise
        if len(records) == 1:
            stream_id, content = records[0]
            payload = encode_batch(Batch(finals, orphans))
            _set_aside(connection, stream_id, content.request_id, payload, error)
            return 0
        middle = len(records) // 2
        halves = (records[:middle], records[middle:])
        return sum(_write(connection, half, is_told, on_written) for half in halves)
    if rows and on_written is not None:
        on_written(finals)
    return rows


def _by_kind(
    records: Sequence[Record],
) -> tuple[tuple[UsageFinal, ...], tuple[UsageIntent, ...]]:
    contents = [record.content for record in records]
    finals = tuple(content for content in contents if isinstance(content, UsageFinal))
    return finals, tuple(content for content in contents if isinstance(content, UsageIntent))


def _set_aside(
    connection: psycopg.Connection[Any],
    stream_id: str,
    request_id: str | None,
    payload: bytes,
    error: Exception,
) -> None:
    reason = one_line(error)
    if quarantine(connection, stream_id=stream_id, payload=payload, error=reason):
        get_logger().error(
            "usage.quarantined",
            stream_id=stream_id,
            request_id=request_id,
            reason=reason,
            payload_bytes=len(payload),
        )
