"""What a segment that takes no more records holds, by request id."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from shared.spool.frames import Kind
from shared.spool.segment import Segment


class Contents(NamedTuple):
    """Encoded records by request id. `orphans` are INTENTs that have neither FINAL nor DROP,
    `unsettled` FINALs of state `indeterminate`. `damaged`: stretches that could not be read.
    """

    finals: dict[str, bytes]
    unsettled: dict[str, bytes]
    orphans: dict[str, bytes]
    damaged: int


class _Id(msgspec.Struct, frozen=True, array_like=True):
    """The first field of both kinds of record."""

    request_id: str


_decode_id = msgspec.msgpack.Decoder(_Id).decode


def read_contents(segment: Segment) -> Contents:
    """Reads the whole file: 16 MiB take some 30 ms, so not on the event loop."""
    held = Contents({}, {}, {}, 0)
    damaged = 0
    for _, kind, record in segment.frames():
        try:
            _add(held, kind, record)
        except msgspec.DecodeError:
            damaged += 1
        else:
            damaged += kind is Kind.DAMAGE
    return held._replace(damaged=damaged)


def _add(held: Contents, kind: Kind, record: bytes) -> None:
    if kind is Kind.DAMAGE:
        return
    request_id = record.decode() if kind is Kind.DROP else _decode_id(record).request_id
    if kind is Kind.INTENT:
        held.orphans[request_id] = record
        return
    held.orphans.pop(request_id, None)
    if kind is Kind.UNSETTLED:
        held.unsettled[request_id] = record
    elif kind is Kind.FINAL:
        held.unsettled.pop(request_id, None)
        held.finals[request_id] = record
