"""Laws of reading an answer's body, held by httpx's own transport and by ours alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.raw_server import RawServer, Wire, answers, answers_always
from tests.shared.upstream.peers import Peer

_TWO = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_LARGE = bytes(range(256)) * 4096  # 1 MiB

_WHOLE_BODIES = {
    "a length": (_TWO, b"ok"),
    "a length of zero": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
    "chunks": (_CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
    "no chunk but the last": (_CHUNKED + b"0\r\n\r\n", b""),
    "upper and lower case chunk sizes": (
        _CHUNKED + b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        b"01234567890123456789",
    ),
    "a chunk size with leading zeros": (_CHUNKED + b"0002\r\nok\r\n000\r\n\r\n", b"ok"),
    "chunk extensions": (_CHUNKED + b'2;a=1;b="c d"\r\nok\r\n0;last\r\n\r\n', b"ok"),
    "trailers": (_CHUNKED + b"2\r\nok\r\n0\r\nx-sum: 9\r\nx-end: yes\r\n\r\n", b"ok"),
}


@pytest.mark.parametrize("case", _WHOLE_BODIES.values(), ids=_WHOLE_BODIES)
def test_a_framed_body_is_read_whole_and_its_connection_used_again(
    peer: Peer, case: tuple[bytes, bytes]
) -> None:
    payload, body = case

    async def twice(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get(server.url), await client.get(server.url)]

    with RawServer(answers_always(payload)) as server:
        first, second = peer.run(twice, server.url)
    assert (first.content, second.content) == (body, body)
    assert "x-sum" not in first.headers, "a trailer is not a header"
    assert server.accepted == 1


@pytest.mark.parametrize("case", _WHOLE_BODIES.values(), ids=_WHOLE_BODIES)
def test_where_packets_are_cut_changes_nothing(peer: Peer, case: tuple[bytes, bytes]) -> None:
    payload, body = case

    async def one_byte_a_packet(wire: Wire) -> None:
        await wire.request()
        await wire.drip(payload, pause_s=0.001)
        await wire.until_hung_up()

    with RawServer(one_byte_a_packet) as server:
        assert peer.get(server.url).content == body


def test_without_a_length_the_end_of_the_connection_ends_the_body(peer: Peer) -> None:
    with RawServer(answers(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as server:
        assert peer.get(server.url).content == b"all of it"


@pytest.mark.parametrize("status", [204, 304])
def test_these_statuses_have_no_body_whatever_their_headers_say(peer: Peer, status: int) -> None:
    payload = b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status

    async def twice(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get(server.url), await client.get(server.url)]

    with RawServer(answers_always(payload)) as server:
        responses = peer.run(twice, server.url)
    assert [(r.status_code, r.content) for r in responses] == [(status, b""), (status, b"")]
    assert server.accepted == 1


@pytest.mark.parametrize(
    "framing", [b"content-length: 5", b"transfer-encoding: chunked"], ids=["a length", "chunked"]
)
def test_the_answer_to_head_has_no_body(peer: Peer, framing: bytes) -> None:
    """httpx uses the connection again; ours does not, since llhttp cannot be told of HEAD."""

    async def twice(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.head(server.url), await client.head(server.url)]

    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % framing)) as server:
        responses = peer.run(twice, server.url)
    assert [(r.status_code, r.content) for r in responses] == [(200, b""), (200, b"")]
    assert server.accepted == (2 if peer.is_ours else 1)


_BROKEN_BODIES = {
    "a length that is not reached": b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
    "a chunk that is cut": _CHUNKED + b"a\r\nshort",
    "no last chunk": _CHUNKED + b"2\r\nok\r\n",
    "a cut inside the trailers": _CHUNKED + b"2\r\nok\r\n0\r\nx-sum: 9\r\n",
    "a chunk size that is no number": _CHUNKED + b"zz\r\nok\r\n0\r\n\r\n",
    "a negative chunk size": _CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
    "a chunk longer than its size": _CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("payload", _BROKEN_BODIES.values(), ids=_BROKEN_BODIES)
def test_a_broken_body_is_never_taken_for_a_whole_one(peer: Peer, payload: bytes) -> None:
    """httpx says RemoteProtocolError to all; ours says ReadError where the connection ended."""
    with RawServer(answers(payload)) as server, pytest.raises(httpx.TransportError) as raised:
        peer.get(server.url)
    assert isinstance(raised.value, httpx.RemoteProtocolError | httpx.ReadError)


async def collect(source: AsyncIterator[bytes], parts: list[bytes]) -> None:
    async for part in source:
        parts.append(part)  # noqa: PERF401  what came before an error counts


def test_what_came_before_a_cut_is_delivered_first(peer: Peer) -> None:
    async def read(client: httpx.AsyncClient) -> list[bytes]:
        parts: list[bytes] = []
        async with client.stream("GET", server.url) as response:
            with pytest.raises(httpx.TransportError):
                await collect(response.aiter_raw(), parts)
        return parts

    with RawServer(answers(_CHUNKED + b"5\r\nfirst\r\n")) as server:
        assert b"".join(peer.run(read, server.url)) == b"first"


def test_a_slow_body_within_the_idle_limit_is_read_whole(peer: Peer) -> None:
    """40 bytes at 50 ms apart: longer in all than the limit, each silence far shorter."""

    async def slow(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n")
        await wire.drip(b"x" * 40, pause_s=0.05)

    with RawServer(slow) as server:
        response = peer.run(lambda client: client.get(server.url), server.url, read_s=1.5)
    assert response.content == b"x" * 40


def test_a_chunk_is_handed_on_before_the_next_one_comes(peer: Peer) -> None:
    async def step_by_step(wire: Wire) -> None:
        await wire.request()
        await wire.send(_CHUNKED + b"3\r\none\r\n")
        await wire.gate("one was read")
        await wire.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async def read(client: httpx.AsyncClient) -> list[bytes]:
        async with client.stream("GET", server.url) as response:
            parts = response.aiter_raw()
            first = await anext(parts)
            server.open("one was read")
            return [first, *[part async for part in parts]]

    with RawServer(step_by_step) as server:
        assert peer.run(read, server.url) == [b"one", b"two"]


def test_a_stream_that_is_left_early_ends_its_connection(peer: Peer) -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(_CHUNKED)
        while True:
            await wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

    async def leave(client: httpx.AsyncClient) -> bytes:
        async with client.stream("GET", server.url) as response:
            async for _ in response.aiter_raw():
                break
        await server.until(lambda seen: seen.ended_by_client == 1)
        return (await client.get(server.url)).content

    with RawServer(endless, answers_always(_TWO)) as server:
        assert peer.run(leave, server.url) == b"ok"


def test_a_request_body_of_5_mb_arrives_as_it_was_sent(peer: Peer) -> None:
    body = _LARGE * 5

    with RawServer(answers_always(_TWO)) as server:
        response = peer.run(lambda client: client.post(server.url, content=body), server.url)
    assert response.content == b"ok"
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert head.lower().count(b"content-length:") == 1


@pytest.mark.parametrize("is_chunked", [False, True], ids=["a length", "chunked"])
def test_an_answer_of_20_mb_arrives_as_it_was_sent(peer: Peer, is_chunked: bool) -> None:
    async def large(wire: Wire) -> None:
        await wire.request()
        if is_chunked:
            await wire.send(_CHUNKED)
            for _ in range(20):
                await wire.send(b"%x\r\n%b\r\n" % (len(_LARGE), _LARGE))
            await wire.send(b"0\r\n\r\n")
        else:
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (20 * len(_LARGE)))
            for _ in range(20):
                await wire.send(_LARGE)
        await wire.until_hung_up()

    with RawServer(large) as server:
        assert peer.get(server.url).content == _LARGE * 20


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_method_that_has_a_body_says_that_it_is_empty(peer: Peer, method: str) -> None:
    with RawServer(answers_always(_TWO)) as server:
        peer.run(lambda client: client.request(method, server.url), server.url)
    assert b"content-length: 0\r\n" in server.requests[0].lower()
