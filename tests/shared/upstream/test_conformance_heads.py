"""Laws of reading an answer's head and of writing a request's, held by both transports.

h11, under httpx's own transport, and llhttp, under ours, are lenient in different places. Where
they differ the case says how; what may never differ is where an answer ends.
"""

from __future__ import annotations

import httpx
import pytest

from tests.fakes.raw_server import RawServer, Wire, answers, answers_always
from tests.shared.upstream.peers import Peer

_OK = b"content-length: 2\r\n\r\nok"

_INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "103 with headers": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-early: 1\r\n\r\n",
    "several": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
}


@pytest.mark.parametrize("interim", _INTERIM.values(), ids=_INTERIM)
@pytest.mark.parametrize("is_one_packet", [True, False], ids=["one packet", "two packets"])
def test_interim_answers_leave_no_trace(peer: Peer, interim: bytes, is_one_packet: bool) -> None:
    final = b"HTTP/1.1 201 Created\r\nx-final: 1\r\n" + _OK

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            if is_one_packet:
                await wire.send(interim + final)
            else:
                await wire.send(interim)
                await wire.gate("the packets are apart")
                await wire.send(final)

    async def twice(client: httpx.AsyncClient) -> httpx.Response:
        server.open("the packets are apart")
        await client.get(server.url)
        return await client.get(server.url)

    with RawServer(script) as server:
        response = peer.run(twice, server.url)
    assert (response.status_code, response.content) == (201, b"ok")
    assert dict(response.headers) == {"x-final": "1", "content-length": "2"}
    assert server.accepted == 1


def test_an_interim_answer_followed_by_nothing_is_an_error(peer: Peer) -> None:
    with (
        RawServer(answers(b"HTTP/1.1 100 Continue\r\n\r\n")) as server,
        pytest.raises(httpx.TransportError),
    ):
        peer.get(server.url)


_STATUS_LINES = {
    "a reason": (b"HTTP/1.1 200 Fine by me", 200),
    "an empty reason": (b"HTTP/1.1 200 ", 200),
    "no reason and no blank": (b"HTTP/1.1 200", 200),
    "a status nobody registered": (b"HTTP/1.1 529 Overloaded", 529),
    "a redirect is an answer": (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/", 302),
}


@pytest.mark.parametrize("case", _STATUS_LINES.values(), ids=_STATUS_LINES)
def test_a_status_line_is_read(peer: Peer, case: tuple[bytes, int]) -> None:
    line, status = case
    with RawServer(answers_always(line + b"\r\n" + _OK)) as server:
        response = peer.get(server.url)
    assert (response.status_code, response.content) == (status, b"ok")
    assert len(server.requests) == 1


_HEADERS = {
    "blanks and tabs around a value": (b"x-a:  \t one two \t ", ["one two"]),
    "no blank before a value": (b"x-a:one", ["one"]),
    "an empty value": (b"x-a:", [""]),
    "a name in capitals": (b"X-A: one", ["one"]),
    "one name twice, in order": (b"x-a: one\r\nx-b: 0\r\nX-A: two", ["one", "two"]),
    "a colon in a value": (b"x-a: one: two", ["one: two"]),
    "latin-1": (b"x-a: caf\xe9", ["caf\xe9"]),
}


@pytest.mark.parametrize("case", _HEADERS.values(), ids=_HEADERS)
def test_a_header_is_read(peer: Peer, case: tuple[bytes, list[str]]) -> None:
    line, values = case
    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n" + _OK)) as server:
        response = peer.get(server.url)
    assert response.headers.get_list("x-a") == values
    assert response.content == b"ok"


# h11 takes these, as RFC 9112 allows a client to; llhttp refuses them all.
_REFUSED_BY_OURS = {
    "a folded value (section 5.2)": b"x-a: one\r\n  two\r\n" + _OK,
    "a bare LF between lines (section 2.2)": b"x-a: one\nx-b: 2\r\n" + _OK,
    "two lengths that agree (section 6.3)": b"content-length: 2\r\n" + _OK,
    "a list of lengths that agree (section 6.3)": b"content-length: 2, 2\r\n\r\nok",
    "a length and chunks (section 6.3)": b"transfer-encoding: chunked\r\n"
    b"content-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("lines", _REFUSED_BY_OURS.values(), ids=_REFUSED_BY_OURS)
def test_ours_is_the_stricter_parser(peer: Peer, lines: bytes) -> None:
    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\n" + lines)) as server:
        if peer.is_ours:
            with pytest.raises(httpx.RemoteProtocolError):
                peer.get(server.url)
        else:
            assert peer.get(server.url).content == b"ok"


_NOT_HTTP = {
    "no HTTP at all": b"220 mail.example.com ESMTP\r\n\r\n",
    "TLS where plain was meant": b"\x15\x03\x01\x00\x02\x02\x50",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n" + _OK,
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n" + _OK,
    "a blank before a colon": b"HTTP/1.1 200 OK\r\nx-a : one\r\n" + _OK,
    "a header without a name": b"HTTP/1.1 200 OK\r\n: one\r\n" + _OK,
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nx-a: \0\r\n" + _OK,
    "two lengths that differ": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n" + _OK,
    "a length that is no number": b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
    "HTTP/2 by surprise": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("payload", _NOT_HTTP.values(), ids=_NOT_HTTP)
def test_what_is_not_http_is_an_error(peer: Peer, payload: bytes) -> None:
    with (
        RawServer(answers(payload)) as server,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        peer.get(server.url)


@pytest.mark.parametrize(
    "payload", [b"", b"HTTP/1.1", b"HTTP/1.1 200 OK\r\ncontent-le"], ids=["none", "a word", "half"]
)
def test_a_head_that_is_cut_is_an_error(peer: Peer, payload: bytes) -> None:
    with (
        RawServer(answers(payload)) as server,
        pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)),
    ):
        peer.get(server.url)
    assert len(server.requests) == 1, "a fresh connection: never sent again"


_HUGE = {
    "one value": b"x-a: " + b"a" * 200_000,
    "one name": b"x" * 200_000 + b": 1",
    "many headers": b"\r\n".join(b"x-%d: aaaaaaaaaaaaaaaa" % number for number in range(8000)),
}


@pytest.mark.parametrize("lines", _HUGE.values(), ids=_HUGE)
@pytest.mark.parametrize("ends", [True, False], ids=["ends", "never ends"])
def test_a_huge_head_is_an_error(peer: Peer, lines: bytes, ends: bool) -> None:
    """httpx: above 100 KiB; ours: above Limits.head_bytes."""
    payload = b"HTTP/1.1 200 OK\r\n" + lines + (b"\r\n" + _OK if ends else b"")

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(payload)
        await wire.until_hung_up()

    with RawServer(script) as server, pytest.raises(httpx.RemoteProtocolError):
        peer.get(server.url)


def test_http_1_0_is_read_and_its_connection_not_used_again(peer: Peer) -> None:
    async def twice(client: httpx.AsyncClient) -> list[bytes]:
        return [(await client.get(server.url)).content for _ in range(2)]

    with RawServer(answers_always(b"HTTP/1.0 200 OK\r\n" + _OK)) as server:
        assert peer.run(twice, server.url) == [b"ok", b"ok"]
    assert server.accepted == 2


def test_the_request_is_written_in_full(peer: Peer) -> None:
    async def post(client: httpx.AsyncClient) -> None:
        await client.post(
            f"{server.url}/v1/a%20b?x=1&y=%C3%A9#fragment",
            headers={"authorization": "Bearer t", "x-latin": "caf\xe9".encode("latin-1")},
            content=b"{}",
        )

    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\n" + _OK)) as server:
        peer.run(post, server.url)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == b"POST /v1/a%20b?x=1&y=%C3%A9 HTTP/1.1"
    headers = [line.partition(b": ") for line in lines]
    values = {name.lower(): value for name, _, value in headers}
    assert values[b"host"] == f"127.0.0.1:{server.port}".encode()
    assert values[b"authorization"] == b"Bearer t"
    assert values[b"x-latin"] == b"caf\xe9"
    assert values[b"content-length"] == b"2"
    assert len(headers) == len(values), "no name twice"
    assert body == b"{}"
