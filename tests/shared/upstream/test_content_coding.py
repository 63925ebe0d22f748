"""Answers that an upstream, or a CDN before it, compressed though nobody asked for it."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.upstream.content_coding import STEP_BYTES, Decoding
from shared.upstream.faults import BodyTooLong, ProtocolViolation, UnreadableEncoding
from tests.fakes.raw_server import RawServer, Wire, answers, answers_always
from tests.shared.upstream.calls import CHUNKED, Run, call, open_transport, request, within


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "identity": bytes,
    "": bytes,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "deflate , identity, gzip": lambda data: gzip.compress(zlib.compress(data)),
    "gzip,deflate,x-gzip": lambda data: gzip.compress(zlib.compress(gzip.compress(data))),
}


def answer(coding: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def decoded(coding: str, pieces: list[bytes]) -> bytes:
    async def main() -> bytes:
        left = list(pieces)

        async def read() -> bytes | None:
            return left.pop(0) if left else None

        decoding = Decoding([(b"content-encoding", coding.encode())])
        parts: list[bytes] = []
        while (part := await decoding.next(read)) is not None:
            assert 0 < len(part) <= max(STEP_BYTES, len(part) if coding in {"", "identity"} else 0)
            parts.append(part)
        return b"".join(parts)

    return asyncio.run(main())


@pytest.mark.parametrize("coding", PACKED)
@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_whatever_the_coding_and_the_cuts_what_was_packed_comes_out(
    coding: str, data: bytes, cuts: list[int]
) -> None:
    packed = PACKED[coding](data)
    places = sorted({0, *(cut % (len(packed) + 1) for cut in cuts), len(packed)})
    pieces = [packed[a:b] for a, b in itertools.pairwise(places)]
    assert decoded(coding, pieces) == data


@pytest.mark.parametrize("coding", PACKED)
def test_a_byte_at_a_time_comes_out_whole(coding: str) -> None:
    data = b'{"choices":[]}' * 50
    packed = PACKED[coding](data)
    assert decoded(coding, [packed[at : at + 1] for at in range(len(packed))]) == data


@pytest.mark.parametrize("padding", [b"", b"\0" * 700, b"\x1f", b"garbage"])
def test_gzip_of_several_members_with_padding_behind_comes_out(padding: bytes) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + padding
    assert decoded("gzip", [packed]) == b"one two"
    assert decoded("gzip", [packed[at : at + 1] for at in range(len(packed))]) == b"one two"


def test_a_gzip_that_is_cut_gives_what_came() -> None:
    packed = gzip.compress(b"x" * 1000)
    assert decoded("gzip", [packed[:-8]]) == b"x" * 1000
    assert decoded("gzip", [packed[:4]]) == b""


@pytest.mark.parametrize("coding", [one for one in PACKED if one])
def test_an_answer_is_decoded_and_its_connection_kept(run: Run[None], coding: str) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            for _ in range(3):
                assert await call(transport, server) == b'{"ok":1}'

    with RawServer(answers_always(answer(coding, PACKED[coding](b'{"ok":1}')))) as server:
        run(main())
    assert server.accepted == 1


def test_each_event_of_a_compressed_stream_comes_as_soon_as_it_is_sent(run: Run[None]) -> None:
    async def script(wire: Wire) -> None:
        packer = zlib.compressobj(wbits=31)
        await wire.request()
        await wire.send(CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"))
        for number in range(3):
            await wire.gate(str(number))
            data = packer.compress(b"data: %d\n\n" % number) + packer.flush(zlib.Z_SYNC_FLUSH)
            await wire.send(b"%x\r\n%b\r\n" % (len(data), data))
        await wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(end := packer.flush()), end))

    async def main() -> None:
        async with open_transport() as transport:
            found = await transport.send(request(server.url), deadline=within())
            for number in range(3):
                server.open(str(number))
                assert await found.next() == b"data: %d\n\n" % number
            assert await found.next() is None

    with RawServer(script) as server:
        run(main())


@pytest.mark.parametrize("coding", ["utf-8", "none", "identity", "", "sk-canary/%1", "gzip"])
def test_what_is_not_encoded_is_taken_as_it_is(run: Run[None], coding: str) -> None:
    """Whatever a header calls it: gzip is left there by proxies that have decoded it."""

    async def main() -> None:
        async with open_transport() as transport:
            found = await transport.send(request(server.url), deadline=within())
            assert await found.read() == b'{"a": 1}'

    with RawServer(answers_always(answer(coding, b'{"a": 1}'))) as server:
        run(main())


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress", "gzip," * 9])
def test_what_cannot_be_decoded_is_named_and_costs_no_status(run: Run[None], coding: str) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            found = await transport.send(request(server.url), deadline=within())
            with pytest.raises(UnreadableEncoding) as raised:
                await found.read()
            assert str(raised.value).isprintable()
            found = await transport.send(request(server.url), deadline=within())
            assert (found.status, await found.read_refusal()) == (200, b"")

    with RawServer(answers_always(answer(coding, b"xx"))) as server:
        run(main())


def test_damaged_compression_is_the_upstreams_fault(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            with pytest.raises(ProtocolViolation):
                await call(transport, server)

    with RawServer(answers(answer("gzip", b"\x1f\x8b\x08 not gzip at all"))) as server:
        run(main())


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_is_cut_at_the_cap_and_costs_little(run: Run[None], layers: int) -> None:
    body = bytes(300_000_000)
    for _ in range(layers):
        body = gzip.compress(body, 1)
    coding = ", ".join(["gzip"] * layers)

    async def main() -> None:
        async with open_transport(body_bytes=1_000_000) as transport:
            found = await transport.send(request(server.url), deadline=within())
            with pytest.raises(BodyTooLong):
                await found.read()
            found = await transport.send(request(server.url), deadline=within())
            assert len(await found.read_refusal()) == 64 * 1024

    with RawServer(answers_always(answer(coding, body))) as server:
        tracemalloc.start()
        run(main())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20_000_000
