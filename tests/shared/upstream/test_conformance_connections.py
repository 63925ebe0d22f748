"""Laws of making, keeping and ending connections, held by both transports."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.raw_server import RawServer, Wire, answers_always, silence
from tests.shared.upstream.peers import Peer

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_requests_one_after_another_share_a_connection(peer: Peer) -> None:
    async def ten(client: httpx.AsyncClient) -> None:
        for _ in range(10):
            await client.post(server.url, content=b"{}")

    with RawServer(answers_always(_OK)) as server:
        peer.run(ten, server.url)
    assert (server.accepted, len(server.requests)) == (1, 10)


_NOT_AGAIN = {
    "connection: close": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
    "Connection: Close, in capitals": b"HTTP/1.1 200 OK\r\nConnection: Close\r\n"
    b"content-length: 2\r\n\r\nok",
    "close among others": b"HTTP/1.1 200 OK\r\nconnection: x-hop, close\r\n"
    b"content-length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("payload", _NOT_AGAIN.values(), ids=_NOT_AGAIN)
def test_a_connection_is_not_used_again_after(peer: Peer, payload: bytes) -> None:
    async def twice(client: httpx.AsyncClient) -> list[bytes]:
        return [(await client.get(server.url)).content for _ in range(2)]

    with RawServer(answers_always(payload), answers_always(_OK)) as server:
        assert peer.run(twice, server.url) == [b"ok", b"ok"]
    assert server.accepted == 2


_BEHIND_THE_ANSWER = {
    "garbage": b"garbage",
    "the start of an answer": b"HTTP/1.1 ",
    "a whole answer": _OK.replace(b"ok", b"no"),
}


@pytest.mark.parametrize("extra", _BEHIND_THE_ANSWER.values(), ids=_BEHIND_THE_ANSWER)
def test_a_connection_with_bytes_behind_the_answer_is_not_used_again(
    peer: Peer, extra: bytes
) -> None:
    """httpx 0.28 uses it again: the next request fails, or is given another's answer."""

    async def twice(client: httpx.AsyncClient) -> list[bytes]:
        return [(await client.get(server.url)).content for _ in range(2)]

    with RawServer(answers_always(_OK + extra), answers_always(_OK)) as server:
        if peer.is_ours:
            assert peer.run(twice, server.url) == [b"ok", b"ok"]
            assert server.accepted == 2
        elif extra.endswith(b"no"):
            assert peer.run(twice, server.url) == [b"ok", b"no"]
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                peer.run(twice, server.url)


def test_an_answer_that_nobody_asked_for_is_given_to_nobody(peer: Peer) -> None:
    """Bytes that come while the connection is idle would be taken for the next answer."""

    async def pushes(wire: Wire) -> None:
        await wire.request()
        await wire.send(_OK)
        await wire.gate("idle")
        await wire.send(_OK.replace(b"ok", b"no"))
        await wire.until_hung_up()

    async def twice(client: httpx.AsyncClient) -> list[bytes]:
        first = await client.get(server.url)
        server.open("idle")
        await server.until(lambda seen: seen.sent_bytes == 2 * len(_OK))
        await asyncio.sleep(0.05)
        return [first.content, (await client.get(server.url)).content]

    with RawServer(pushes, answers_always(_OK)) as server:
        assert peer.run(twice, server.url) == [b"ok", b"ok"]


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_a_connection_ended_while_idle_is_replaced_without_an_error(
    peer: Peer, is_reset: bool
) -> None:
    async def once(wire: Wire) -> None:
        await wire.request()
        await wire.send(_OK)
        await wire.gate("idle")
        if is_reset:
            wire.reset()

    async def twice(client: httpx.AsyncClient) -> list[bytes]:
        first = await client.get(server.url)
        server.open("idle")
        await server.until(lambda seen: seen.open_now == 0)
        await asyncio.sleep(0.05)
        return [first.content, (await client.get(server.url)).content]

    with RawServer(once, answers_always(_OK)) as server:
        assert peer.run(twice, server.url) == [b"ok", b"ok"]
    assert (server.accepted, len(server.requests)) == (2, 2)


def test_64_requests_at_once_each_get_their_own_answer(peer: Peer) -> None:
    async def echo(wire: Wire) -> None:
        while True:
            body = (await wire.request()).partition(b"\r\n\r\n")[2]
            await wire.gate("all are here")
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def burst(client: httpx.AsyncClient) -> list[bytes]:
        async def one(number: int) -> bytes:
            return (await client.post(server.url, content=b"request %d" % number)).content

        async def let_go() -> None:
            await server.until(lambda seen: len(seen.requests) == 64)
            server.open("all are here")

        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(one(number)) for number in range(64)]
            group.create_task(let_go())
        again = await asyncio.gather(*(one(number) for number in range(64)))
        return [call.result() for call in calls] + list(again)

    with RawServer(echo) as server:
        bodies = peer.run(burst, server.url)
    assert bodies == [b"request %d" % number for number in range(64)] * 2
    assert server.accepted == 64


def test_an_answer_that_comes_before_the_request_was_read_is_an_answer(peer: Peer) -> None:
    """A server that refuses 8 MB by the head alone says 413 and goes on reading."""

    async def refuse(wire: Wire) -> None:
        await wire.head()
        await wire.send(
            b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno"
        )
        await wire.until_hung_up()

    async def post(client: httpx.AsyncClient) -> int:
        return (await client.post(server.url, content=b"x" * 8_000_000)).status_code

    with RawServer(refuse) as server:
        assert peer.run(post, server.url) == 413


def test_tls_to_a_server_that_is_trusted(
    peer: Peer, server_tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async def by_address_and_name(client: httpx.AsyncClient) -> list[bytes]:
        return [(await client.get(server.url)).content for _ in range(2)]

    with RawServer(answers_always(_OK), tls=server_tls) as server:
        assert peer.run(by_address_and_name, server.url, trust=trust) == [b"ok", b"ok"]
        name = server.url.replace("127.0.0.1", "localhost")
        assert peer.get(name, trust=trust).content == b"ok"
    assert server.accepted == 2, "one connection for each of the two clients"


def test_an_answer_of_20_mb_over_tls(
    peer: Peer, server_tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    body = bytes(range(256)) * 80_000

    async def large(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
        await wire.send(body)
        await wire.until_hung_up()

    with RawServer(large, tls=server_tls) as server:
        assert peer.get(server.url, trust=trust).content == body


def test_tls_to_a_server_of_another_name_is_refused(
    peer: Peer, other_server_tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    with (
        RawServer(answers_always(_OK), tls=other_server_tls) as server,
        pytest.raises(httpx.ConnectError),
    ):
        peer.get(server.url, trust=trust)
    assert server.requests == []


def test_tls_to_a_server_of_an_unknown_authority_is_refused(
    peer: Peer, server_tls: ssl.SSLContext
) -> None:
    with (
        RawServer(answers_always(_OK), tls=server_tls) as server,
        pytest.raises(httpx.ConnectError),
    ):
        peer.get(server.url)
    assert server.requests == []


def test_tls_to_a_server_that_speaks_plain_is_refused(peer: Peer, trust: ssl.SSLContext) -> None:
    async def plain(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with RawServer(plain) as server, pytest.raises(httpx.ConnectError):
        peer.get(server.url.replace("http:", "https:"), trust=trust)


def test_a_port_where_nobody_listens(peer: Peer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError):
            peer.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")


@contextlib.contextmanager
def _full_backlog() -> Iterator[str]:
    """A port that listens but has no room: SYN packets are dropped."""
    with contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_a_connect_that_takes_too_long(peer: Peer) -> None:
    with _full_backlog() as url, pytest.raises(httpx.ConnectTimeout):
        peer.run(lambda client: client.get(url), url, connect_s=0.3)


def test_a_tls_handshake_that_takes_too_long(peer: Peer, trust: ssl.SSLContext) -> None:
    with RawServer(silence) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(httpx.ConnectTimeout):
            peer.run(lambda client: client.get(url), url, trust=trust, connect_s=0.3)


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"],
    ids=["nothing came", "half a head came", "half a body came"],
)
def test_silence_beyond_the_idle_limit_is_an_error_and_ends_the_connection(
    peer: Peer, start: bytes
) -> None:
    async def stall(wire: Wire) -> None:
        await wire.request()
        await wire.send(start)
        await wire.until_hung_up()

    async def get(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url)
        await server.until(lambda seen: seen.ended_by_client == 1)

    with RawServer(stall) as server:
        peer.run(get, server.url, read_s=0.3)


def test_a_timeout_of_one_request_holds_for_that_request(peer: Peer) -> None:
    """httpx waits `read` for the head, ours the sum of the four; neither waits for the client's."""

    async def get(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url, timeout=0.1)

    with RawServer(silence) as server:
        peer.run(get, server.url, read_s=25)


def test_a_cancelled_request_ends_its_connection(peer: Peer) -> None:
    async def cancel(client: httpx.AsyncClient) -> bytes:
        call = asyncio.ensure_future(client.get(server.url))
        await server.until(lambda seen: len(seen.requests) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.until(lambda seen: seen.ended_by_client == 1)
        return (await client.get(server.url)).content

    async def stall(wire: Wire) -> None:
        await wire.request()
        await wire.until_hung_up()

    with RawServer(stall, answers_always(_OK)) as server:
        assert peer.run(cancel, server.url) == b"ok"
