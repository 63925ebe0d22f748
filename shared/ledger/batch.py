"""A batch of records on its way, in the usage stream or in SQS: a msgpack message
`[finals, orphans]`.

The shipper builds it from records which the spool already holds encoded, so that nothing is
decoded on the way; `write_usage` decodes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.ledger.record import UsageFinal, UsageIntent


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Records on their way to PostgreSQL.

    `orphans` are INTENTs whose FINAL never came (past their deadline, or their process died): they
    become rows `indeterminate`.
    """

    finals: tuple[UsageFinal, ...]
    orphans: tuple[UsageIntent, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)
_frames = msgspec.msgpack.Decoder(tuple[list[msgspec.Raw], list[msgspec.Raw]])


def encode_batch(batch: Batch) -> bytes:
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> Batch:
    """Raises msgspec.DecodeError where `data` is no batch (ValidationError where it is another)."""
    return _decoder.decode(data)


def unpack_frames(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The encoded finals and orphans, each by itself: one that cannot be decoded is no reason to
    lose the others. Raises msgspec.DecodeError where `data` is no batch.
    """
    finals, orphans = _frames.decode(data)
    return [bytes(one) for one in finals], [bytes(one) for one in orphans]


def pack_frames(finals: Sequence[bytes], orphans: Sequence[bytes]) -> bytes:
    """The message `encode_batch` would give, from records that are encoded already."""
    return b"".join(
        (
            _array_header(2),
            _array_header(len(finals)),
            *finals,
            _array_header(len(orphans)),
            *orphans,
        )
    )


def _array_header(length: int) -> bytes:
    """msgpack's fixarray, array 16 or array 32, whichever is the shortest for `length`."""
    if length < 16:
        return bytes((0x90 | length,))
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
