"""What travels in one entry of the usage stream."""

from __future__ import annotations

import msgspec
import pytest

from shared.ledger.batch import Batch, decode_batch, encode_batch, pack_frames
from tests.fakes.usage_records import final, intent


# msgpack changes the width of an array's header at 16 and at 65,536.
@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_frames_packed_without_decoding_are_the_batch_of_the_same_records(count: int) -> None:
    finals, orphans = (final(),) * count, (intent(), intent())
    frames = [msgspec.msgpack.encode(record) for record in finals]
    packed = pack_frames(frames, [msgspec.msgpack.encode(record) for record in orphans])
    batch = Batch(finals, orphans)
    assert packed == encode_batch(batch)
    assert decode_batch(packed) == batch


@pytest.mark.parametrize("data", [b"", b"\x92\x90", b"\xc1", b"\x92\x91\x01\x90", b"not a batch"])
def test_what_is_no_batch_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_batch(data)
