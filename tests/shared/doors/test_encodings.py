"""A compressed body is the plain one, or a refusal that says what is wrong with it."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answer_errors import MAX_BODY_BYTES
from shared.doors.encodings import decoded
from shared.errors import SwitchyardError


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {b"gzip": gzip.compress, b"x-gzip": gzip.compress, b"deflate": zlib.compress}


def read(encoding: bytes, packed: bytes, piece: int = 1 << 16) -> bytes:
    pieces = [packed[at : at + piece] for at in range(0, len(packed), piece)] or [b""]

    async def receive() -> Any:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def whole() -> bytes:
        plain, more = b"", True
        reading: Any = decoded(encoding, receive)
        while more:
            message = await reading()
            plain, more = plain + message["body"], message["more_body"]
        return plain

    return asyncio.run(whole())


def refusal(encoding: bytes, packed: bytes) -> SwitchyardError:
    with pytest.raises(SwitchyardError) as caught:
        read(encoding, packed)
    return caught.value


@given(st.binary(max_size=500), st.sampled_from(sorted(PACKED)), st.integers(1, 50))
def test_it_is_the_plain_one_however_it_is_cut(data: bytes, name: bytes, piece: int) -> None:
    assert read(name.upper(), PACKED[name](data), piece) == data


@given(st.binary(min_size=1, max_size=500))
def test_bare_deflate_as_some_clients_send_it_is_taken(data: bytes) -> None:
    assert read(b"deflate", bare(data)) == data


def test_no_body_needs_no_compression() -> None:
    assert read(b"gzip", b"") == b""


@pytest.mark.parametrize("name", [b"br", b"zstd", b"compress", b"gzip, gzip", b"\xff" * 5000])
def test_another_encoding_is_named_beside_what_is_taken(name: bytes) -> None:
    with pytest.raises(SwitchyardError) as caught:
        decoded(name, None)  # type: ignore[arg-type]
    assert caught.value.status == 415
    assert name.decode("latin-1")[:50] in caught.value.message
    assert "gzip, deflate" in caught.value.message


@pytest.mark.parametrize("name", [b"gzip", b"deflate"])
def test_a_bomb_is_cut_at_the_size_of_a_plain_body(name: bytes) -> None:
    as_large_as_may_be = PACKED[name](b" " * MAX_BODY_BYTES)
    assert len(read(name, as_large_as_may_be)) == MAX_BODY_BYTES
    assert refusal(name, PACKED[name](b" " * (MAX_BODY_BYTES + 1))).status == 413
    assert refusal(name, PACKED[name](bytes(1 << 30))).status == 413


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"{}", id="not compressed at all"),
        pytest.param(gzip.compress(b"{}")[:-1], id="cut off"),
        pytest.param(gzip.compress(b"{}") + b"more", id="something behind it"),
        pytest.param(gzip.compress(b"{}") * 1000, id="many in one"),
        pytest.param(gzip.compress(b"{}")[:-8] + bytes(8), id="a wrong checksum"),
    ],
)
def test_what_is_not_compressed_so_is_refused(packed: bytes) -> None:
    error = refusal(b"gzip", packed)
    assert (error.status, error.code) == (400, "invalid_encoding")
