"""How records lie in a spool segment: a length, a checksum, a kind, the record.

Little-endian: u32 length of what follows the checksum, u32 CRC-32 (ISO-HDLC, as in gzip) of it, one
byte of kind, the record. A segment is made full of zeros, so a length of zero is its end; so is a
frame that does not check out, which is where a machine lost power.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum

_HEAD = struct.Struct("<II")
OVERHEAD = _HEAD.size + 1


class Kind(IntEnum):
    """`DROP` takes an INTENT back: nothing was sent upstream, so there is nothing to bill."""

    INTENT = 1
    FINAL = 2
    DROP = 3


_KINDS = {kind.value: kind for kind in Kind}
_BYTES = {kind: bytes((kind.value,)) for kind in Kind}


def frame(kind: Kind, record: bytes) -> bytes:
    body = _BYTES[kind] + record
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def read_frames(data: bytes, start: int = 0) -> Iterator[tuple[int, Kind, bytes]]:
    """(offset behind the frame, kind, record) of each frame of `data` from `start` on.

    Ends at the first that is cut, does not check out, or is of a kind unknown to this release.
    """
    offset, end = start, len(data)
    while offset + OVERHEAD <= end:
        length, checksum = _HEAD.unpack_from(data, offset)
        body = data[offset + _HEAD.size : offset + _HEAD.size + length]
        if length == 0 or len(body) < length or zlib.crc32(body) != checksum:
            return
        kind = _KINDS.get(body[0])
        if kind is None:
            return
        offset += _HEAD.size + length
        yield offset, kind, body[1:]
