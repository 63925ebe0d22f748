"""What a segment that takes no more records holds, by request id."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from shared.spool.frames import Frame, Kind
from shared.spool.segment import Segment


class Contents(NamedTuple):
    """Encoded records by request id, empty where ids were asked for alone. `orphans` are INTENTs
    without FINAL or DROP, `unsettled` FINALs of state `indeterminate`. `damaged`: stretches
    that could not be read. `end` is where the next frame would go.
    """

    finals: dict[str, bytes]
    unsettled: dict[str, bytes]
    orphans: dict[str, bytes]
    damaged: int
    end: int


class _Id(msgspec.Struct, frozen=True, array_like=True):
    """The first field of both kinds of record."""

    request_id: str


_decode_id = msgspec.msgpack.Decoder(_Id).decode


def read_contents(segment: Segment, *, ids_only: bool = False) -> Contents:
    """Reads the whole file: 16 MiB take some 30 ms, so not on the event loop."""
    held = Contents({}, {}, {}, 0, 0)
    damaged = 0
    end = segment.start
    for found in segment.frames():
        end = found.end
        try:
            _add(held, found, ids_only=ids_only)
        except (msgspec.DecodeError, UnicodeDecodeError):
            damaged += 1
        else:
            damaged += found.kind is Kind.DAMAGE
    return held._replace(damaged=damaged, end=end)


def _add(held: Contents, found: Frame, *, ids_only: bool) -> None:
    _, kind, record = found
    if kind is Kind.DAMAGE:
        return
    request_id = record.decode() if kind is Kind.DROP else _decode_id(record).request_id
    if ids_only:
        record = b""
    if kind is Kind.INTENT:
        held.orphans[request_id] = record
        return
    held.orphans.pop(request_id, None)
    if kind is Kind.UNSETTLED:
        held.unsettled[request_id] = record
    elif kind is Kind.FINAL:
        held.unsettled.pop(request_id, None)
        held.finals[request_id] = record
