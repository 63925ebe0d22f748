"""What a segment that takes no more records holds, by request id."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from shared.spool.frames import Kind
from shared.spool.segment import Segment


class Contents(NamedTuple):
    """Encoded records by request id. `orphans` are INTENTs that have neither FINAL nor DROP."""

    finals: dict[str, bytes]
    orphans: dict[str, bytes]


class _Id(msgspec.Struct, frozen=True, array_like=True):
    """The first field of both kinds of record."""

    request_id: str


_decode_id = msgspec.msgpack.Decoder(_Id).decode


def read_contents(segment: Segment) -> Contents:
    """Reads the whole file: 16 MiB take some 30 ms, so not on the event loop."""
    finals: dict[str, bytes] = {}
    orphans: dict[str, bytes] = {}
    for _, kind, record in segment.frames():
        if kind is Kind.DROP:
            orphans.pop(record.decode(), None)
            continue
        request_id = _decode_id(record).request_id
        if kind is Kind.FINAL:
            orphans.pop(request_id, None)
            finals[request_id] = record
        else:
            orphans[request_id] = record
    return Contents(finals, orphans)
