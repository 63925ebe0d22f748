"""What is read of a segment: every frame that checks out, whatever became of the bytes between."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shared.ledger.record import UsageFinal, UsageIntent
from shared.ledger.request_id import new_request_id
from shared.spool.contents import read_contents
from shared.spool.frames import MARK, NO_MARK, Kind, frame, read_frames
from shared.spool.segment import Segment
from shared.spool.spool import Spool
from tests.fakes.usage_records import final, intent

KINDS = [kind for kind in Kind if kind is not Kind.DAMAGE]
records = st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=300)), max_size=8)
marks = st.sampled_from([MARK, NO_MARK])


def written(kind: Kind, record: bytes, mark: bytes) -> bytes:
    """A frame of this release, or of the last one, which is the same without its mark."""
    return frame(kind, record)[len(MARK) - len(mark) :]


def of_last_release(record: UsageIntent | UsageFinal, fields: int) -> bytes:
    """The record as it was when it had so many fields."""
    return msgspec.msgpack.encode(structs.astuple(record)[:fields])


def sound(data: bytes, mark: bytes) -> list[tuple[Kind, bytes]]:
    found = read_frames(data, mark=mark)
    return [(kind, record) for _, kind, record in found if kind is not Kind.DAMAGE]


@given(records, marks)
def test_frames_come_back_as_they_were_written(
    records: list[tuple[Kind, bytes]], mark: bytes
) -> None:
    data = b"".join(written(kind, record, mark) for kind, record in records)
    found = list(read_frames(data + bytes(64), mark=mark))
    assert [(kind, record) for _, kind, record in found] == records
    assert not found or found[-1].end == len(data)


@given(records.filter(bool), st.data())
def test_a_damaged_frame_takes_no_other_with_it(
    records: list[tuple[Kind, bytes]], data: st.DataObject
) -> None:
    frames = [frame(kind, record) for kind, record in records]
    hit = data.draw(st.integers(0, len(frames) - 1))
    broken = bytearray(frames[hit])
    first = data.draw(st.integers(0, len(broken) - 1))
    last = data.draw(st.integers(first, len(broken) - 1))
    broken[first : last + 1] = data.draw(
        st.binary(min_size=last + 1 - first, max_size=last + 1 - first).filter(
            lambda drawn: drawn != broken[first : last + 1]
        )
    )
    whole = b"".join([*frames[:hit], bytes(broken), *frames[hit + 1 :]])
    assert sound(whole + bytes(64), MARK) == records[:hit] + records[hit + 1 :]
    damage = [end for end, kind, _ in read_frames(whole) if kind is Kind.DAMAGE]
    assert damage or hit == len(frames) - 1, "it is told"


@pytest.mark.parametrize("lost", [b"", bytes(4096), b"\xff" * 4096, MARK * 100, bytes(9)])
def test_frames_behind_a_lost_stretch_are_read(lost: bytes) -> None:
    first, last = frame(Kind.FINAL, b"first"), frame(Kind.FINAL, b"last")
    found = sound(first + lost + last + bytes(4096), MARK)
    assert found == [(Kind.FINAL, b"first"), (Kind.FINAL, b"last")]


def test_zeros_up_to_the_end_are_no_damage_and_half_a_frame_is() -> None:
    data = frame(Kind.FINAL, b"first")
    assert [kind for _, kind, _ in read_frames(data + bytes(100))] == [Kind.FINAL]
    half = data + frame(Kind.FINAL, b"second")[:-3]
    ends = [(end, kind) for end, kind, _ in read_frames(half + bytes(100))]
    assert ends == [(len(data), Kind.FINAL), (len(half), Kind.DAMAGE)]


def test_a_frame_of_a_kind_that_is_not_known_costs_that_frame_alone() -> None:
    body = b"\x4d" + b"of a later release"
    unknown = MARK + struct.pack("<II", len(body), zlib.crc32(body)) + body
    data = frame(Kind.INTENT, b"a") + unknown + frame(Kind.DROP, b"c")
    kinds = [kind for _, kind, _ in read_frames(data + bytes(64))]
    assert kinds == [Kind.INTENT, Kind.DAMAGE, Kind.DROP]


def test_a_segment_of_the_last_release_is_read_as_one_of_this(tmp_path: Path) -> None:
    path = tmp_path / "1-1.spool"
    ids = [new_request_id() for _ in range(4)]
    frames = [
        written(kind, record, NO_MARK)
        for one in ids
        for kind, record in (
            (Kind.INTENT, of_last_release(intent(request_id=one), 14)),
            (Kind.FINAL, of_last_release(final(request_id=one), 41)),
        )
    ]
    path.write_bytes(b"SYSPOOL1" + b"".join(frames) + bytes(4096))
    segment = Segment.adopt(path)
    assert segment is not None
    contents = read_contents(segment)
    assert [*contents.finals] == ids
    assert contents.damaged == 0
    segment.remove()


@pytest.mark.parametrize("hit", [9, 17, 25, 200, 900])
def test_damage_in_a_segment_of_the_last_release_costs_one_record(tmp_path: Path, hit: int) -> None:
    path = tmp_path / "1-1.spool"
    ids = [new_request_id() for _ in range(4)]
    frames = [
        written(Kind.FINAL, of_last_release(final(request_id=one), 41), NO_MARK) for one in ids
    ]
    data = bytearray(b"SYSPOOL1" + b"".join(frames) + bytes(4096))
    data[hit] ^= 0xFF
    path.write_bytes(data)
    segment = Segment.adopt(path)
    assert segment is not None
    contents = read_contents(segment)
    assert len(contents.finals) == 3
    assert contents.damaged == 1
    segment.remove()


def test_an_unsettled_final_waits_for_one_that_is_final(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    one, other = new_request_id(), new_request_id()
    for request_id in (one, other):
        spool.intent(intent(request_id=request_id))
        spool.final(final(request_id=request_id, state="indeterminate"))
    spool.final(final(request_id=other))
    (segment,) = spool.segments()
    contents = read_contents(segment)
    assert ([*contents.unsettled], [*contents.finals], [*contents.orphans]) == ([one], [other], [])
    spool.close()
