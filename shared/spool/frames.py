"""How records lie in a spool segment: a mark, a length, a checksum, a kind, the record.

Little-endian: the four bytes MARK, u32 length of what follows the checksum, u32 CRC-32 (ISO-HDLC,
as in gzip) of it, one byte of kind, the record. A segment is made full of zeros, so zeros up to its
end are its end. Whatever else does not check out is damage, and reading goes on at the next frame
that does.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MARK = b"\xfeSY\xff"
"""Begins a frame. Its first and last byte are in no UTF-8 text, so no label can forge one."""

NO_MARK = b""
"""The segments of the last release, whose frames begin with their length."""

_HEAD = struct.Struct("<II")
OVERHEAD = len(MARK) + _HEAD.size + 1

# Where a frame of the last release may begin: a kind, and the msgpack array or the id behind it.
_UNMARKED = re.compile(rb"\x01\x9e|\x02\xdc\x00|\x03[0-9a-f]{8}-", re.DOTALL)


class Kind(IntEnum):
    """`UNSETTLED` is a FINAL of state `indeterminate`, which another may still replace. `DROP`
    takes an INTENT back: nothing was sent upstream, so there is nothing to bill.

    `DAMAGE` is never written: it is what a reader calls bytes that are no frame, and frames of a
    kind that this release does not know.
    """

    DAMAGE = 0
    INTENT = 1
    FINAL = 2
    DROP = 3
    UNSETTLED = 4


_KINDS = {kind.value: kind for kind in Kind}
_BYTES = {kind: bytes((kind.value,)) for kind in Kind}
# Python 3.11 looks a member up by a call, and this is asked in each request.
_DAMAGE = Kind.DAMAGE


class Frame(NamedTuple):
    """`end` is the offset behind it."""

    end: int
    kind: Kind
    record: bytes


def frame(kind: Kind, record: bytes) -> bytes:
    body = _BYTES[kind] + record
    return MARK + _HEAD.pack(len(body), zlib.crc32(body)) + body


def read_frames(data: bytes, *, begin: int = 0, mark: bytes = MARK) -> Iterator[Frame]:
    """Each frame of `data`, which begins at the offset `begin`, and each stretch of damage between.

    A stretch of zeros is damage too where a frame follows it. `mark` is MARK or NO_MARK.
    """
    offset = 0
    while offset < len(data):
        found = _frame_at(data, offset, mark, begin)
        if found is None:
            behind = _next_frame(data, offset + 1, mark)
            # What is not zero behind the last frame is one that was cut, or damage that ate it.
            end = len(data.rstrip(b"\0")) if behind is None else behind
            if end <= offset:
                return
            found = Frame(begin + end, _DAMAGE, data[offset:end])
        offset = found.end - begin
        yield found


def _frame_at(data: bytes, offset: int, mark: bytes, begin: int = 0) -> Frame | None:
    head = offset + len(mark)
    body = head + _HEAD.size
    if body > len(data) or not data.startswith(mark, offset):
        return None
    length, checksum = _HEAD.unpack_from(data, head)
    end = body + length
    if length == 0 or end > len(data) or zlib.crc32(data[body:end]) != checksum:
        return None
    return Frame(begin + end, _KINDS.get(data[body], _DAMAGE), data[body + 1 : end])


def _next_frame(data: bytes, start: int, mark: bytes) -> int | None:
    """The offset of the first frame from `start` on that checks out."""
    for offset in _marks(data, start) if mark else _unmarked(data, start):
        if _frame_at(data, offset, mark) is not None:
            return offset
    return None


def _marks(data: bytes, start: int) -> Iterator[int]:
    offset = data.find(MARK, start)
    while offset >= 0:
        yield offset
        offset = data.find(MARK, offset + 1)


def _unmarked(data: bytes, start: int) -> Iterator[int]:
    for found in _UNMARKED.finditer(data, start + _HEAD.size):
        yield found.start() - _HEAD.size
