"""What a connection may send before anybody looks at a token: how much, how slowly, and what."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from shared import http_protocol
from shared.http_protocol import MAX_PIPELINED, Bounded

HOST = b"Host: localhost\r\n"
GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /x HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class App:
    """Answers with the length of what it was sent.

    `/hold` does so once `go` is set; `/deaf` reads nothing before that, `/early` nothing at all.
    """

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.hung_up = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["path"] == "/deaf":
            await self.go.wait()
        body, more = b"", scope["path"] != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.hung_up += 1
                return
            body, more = body + message["body"], message["more_body"]
        if scope["path"] == "/hold":
            waits, gone = asyncio.ensure_future(self.go.wait()), asyncio.ensure_future(receive())
            await asyncio.wait([waits, gone], return_when="FIRST_COMPLETED")
            if not waits.done():
                self.hung_up += 1
                waits.cancel()
                return
            gone.cancel()
        said = b"x" * 8_000_000 if scope["path"] == "/large" else b"<%d>" % len(body)
        head = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": said})


class Place:
    def __init__(self, app: App, port: int, protocols: list[Bounded]) -> None:
        self.app = app
        self.port = port
        self.protocols = protocols
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26)
        self._writers.append(writer)
        return reader, writer

    async def are_cut(self) -> bool:
        """Whether no connection is left, in a moment."""
        await asyncio.sleep(0.1)
        return not any(one.connections for one in self.protocols)

    async def end(self) -> None:
        for one in self._writers:
            one.transport.abort()
        for one in self.protocols:
            one.transport.abort()
        await asyncio.sleep(0.01)

    async def says(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """All that the server says until it closes, or says nothing for half a second."""
        reader, writer = await self.connect()
        with contextlib.suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        said = b""
        with contextlib.suppress(TimeoutError, OSError):
            while got := await asyncio.wait_for(reader.read(65536), 0.5):
                said += got
        writer.close()
        return said


@asynccontextmanager
async def serving() -> AsyncGenerator[Place]:
    app, protocols = App(), list[Bounded]()
    config = Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()

    def made() -> Bounded:
        protocols.append(Bounded(config=config, server_state=state, app_state={}))
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    async with server:
        place = Place(app, server.sockets[0].getsockname()[1], protocols)
        yield place
        await place.end()


def run(script: Callable[[Place], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with serving() as place:
            await asyncio.wait_for(script(place), 30)

    asyncio.run(whole())


def statuses(said: bytes) -> list[int]:
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", said)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patience is a hundredth."""
    for name, seconds in (("HEAD_S", 0.2), ("BODY_IDLE_S", 0.3), ("UNREAD_S", 0.4)):
        monkeypatch.setattr(http_protocol, name, seconds)
    monkeypatch.setattr(http_protocol, "LOOK_EVERY_S", 0.02)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        pytest.param(b"GET /x HTTP/1.1\r\n\r\n", 400, "invalid_host", id="no Host"),
        pytest.param(GET.replace(HOST, HOST * 2), 400, "invalid_host", id="two Hosts"),
        pytest.param(GET.replace(b"localhost", b"a@b"), 400, "invalid_host", id="a user in it"),
        pytest.param(GET.replace(b"localhost", b"a/b"), 400, "invalid_host", id="a path in it"),
        pytest.param(GET.replace(b"localhost", b"a b"), 400, "invalid_host", id="a blank in it"),
        pytest.param(GET.replace(b"localhost", b""), 400, "invalid_host", id="an empty Host"),
        pytest.param(GET.replace(b"localhost", b"\xff"), 400, "invalid_host", id="no ASCII"),
        pytest.param(
            b"GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_host", id="two in 1.0"
        ),
        pytest.param(GET.replace(b"1.1", b"2.0"), 505, "http_version_not_supported", id="HTTP/2.0"),
        pytest.param(GET.replace(b"1.1", b"1.2"), 400, "invalid_http", id="HTTP/1.2"),
        pytest.param(
            POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
            "transfer_encoding_not_supported",
            id="a coding that is not known",
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
            400,
            "invalid_http",
            id="chunked twice",
        ),
        pytest.param(
            CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
            501,
            "transfer_encoding_not_supported",
            id="chunked in HTTP/1.0",
        ),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "invalid_http",
            id="both lengths",
        ),
        pytest.param(
            POST + b"Content-Length: " + b"0" * 5000 + b"1\r\n\r\nx",
            400,
            "invalid_content_length",
            id="5,001 digits",
        ),
        pytest.param(POST + b"Content-Length: +1\r\n\r\nx", 400, "invalid_http", id="a sign"),
        pytest.param(
            POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            400,
            "invalid_http",
            id="two lengths",
        ),
        pytest.param(
            b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "invalid_http", id="path"
        ),
        pytest.param(b"\x16\x03\x01\x02\x00", 400, "invalid_http", id="TLS"),
        pytest.param(
            GET[:-2] + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431, "head_too_large", id="70 KB"
        ),
        pytest.param(b"GET /" + b"a" * 70_000, 431, "head_too_large", id="a URL without an end"),
        pytest.param(GET[:-2] + b"a:b\r\n" * 20_000, 431, "head_too_large", id="20,000 headers"),
        pytest.param(b"\r\n" * 50_000, 431, "head_too_large", id="nothing but line breaks"),
    ],
)
def test_a_head_that_is_none_is_refused_in_the_shape_of_every_error(
    raw: bytes, status: int, code: str
) -> None:
    async def script(place: Place) -> None:
        said = await place.says(raw)
        assert statuses(said) == [status]
        assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == code
        assert place.app.scopes == []

    run(script)


def test_requests_are_answered_in_their_order_and_the_connection_is_kept() -> None:
    async def script(place: Place) -> None:
        said = await place.says(
            POST + b"Content-Length: 3\r\n\r\nabc" + GET, CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n", GET
        )
        assert re.findall(rb"<(\d+)>", said) == [b"3", b"0", b"4", b"0"]

    run(script)


def test_a_trailer_is_no_header() -> None:
    async def script(place: Place) -> None:
        trailer = b"0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n"
        assert statuses(await place.says(CHUNKED + b"1\r\na\r\n" + trailer)) == [200]
        assert [name for name, _ in place.app.scopes[0]["headers"]] == [
            b"host",
            b"transfer-encoding",
        ]

    run(script)


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(b"1;" + b"e" * 60_000 + b"\r\na\r\n", id="extensions of chunks"),
        pytest.param(b"0\r\nx: " + b"t" * 200_000, id="a trailer without an end"),
    ],
)
def test_a_body_that_is_mostly_framing_is_cut(unit: bytes) -> None:
    async def script(place: Place) -> None:
        said = await place.says(CHUNKED, *[unit] * 20)
        assert statuses(said) in ([400], [])
        assert await place.are_cut()

    run(script)


def test_a_body_in_chunks_of_a_byte_is_a_body() -> None:
    async def script(place: Place) -> None:
        assert b"<50000>" in await place.says(CHUNKED, b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")

    run(script)


def test_of_a_head_without_end_no_more_is_read_than_may_be() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        sent = 0
        with contextlib.suppress(OSError):
            writer.write(GET[:-2] + b"X: ")
            while sent < 40_000_000:
                writer.write(b"a" * 500_000)
                await writer.drain()
                sent += 500_000
        assert sent < 20_000_000

    run(script)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([b""], None, id="a connection that says nothing"),
        pytest.param([GET[:-5]], 408, id="half a head"),
        pytest.param([bytes([one]) for one in GET[:-2]], 408, id="a head byte by byte"),
        pytest.param([GET, GET[:9]], 408, id="half of a second head"),
        pytest.param([POST + b"Content-Length: 9\r\n\r\n", b"x"], 408, id="half a body"),
        pytest.param([CHUNKED, b"2\r\nx"], 408, id="half a chunk"),
    ],
)
def test_who_keeps_us_waiting_is_cut(pieces: list[bytes], status: int | None) -> None:
    async def script(place: Place) -> None:
        said = await place.says(*pieces, pause_s=0.02)
        assert statuses(said)[-1:] == ([] if status is None else [status])
        await asyncio.sleep(0.2)
        assert await place.are_cut()

    run(script)


@pytest.mark.usefixtures("quick")
def test_a_body_that_keeps_coming_may_take_its_time() -> None:
    async def script(place: Place) -> None:
        slowly = [b"x"] * 12
        said = await place.says(POST + b"Content-Length: 12\r\n\r\n", *slowly, pause_s=0.1)
        assert b"<12>" in said

    run(script)


@pytest.mark.usefixtures("quick")
def test_a_body_that_we_do_not_read_is_no_silence_of_the_client() -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        head = POST.replace(b"/x", b"/deaf") + b"Content-Length: 300000\r\n\r\n"
        writer.write(head + b"x" * 299_990)
        await asyncio.sleep(0.6)
        place.app.go.set()
        await asyncio.sleep(0.1)
        writer.write(b"x" * 10)
        assert b"<300000>" in await reader.readuntil(b">")

    run(script)


@pytest.mark.usefixtures("quick")
def test_who_does_not_read_an_answer_is_cut() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.transport.pause_reading()  # type: ignore[union-attr]
        writer.write(GET.replace(b"/x", b"/large"))
        await asyncio.sleep(0.9)
        assert await place.are_cut()

    run(script)


def test_few_requests_wait_however_many_are_sent_at_once() -> None:
    async def script(place: Place) -> None:
        held = GET.replace(b"/x", b"/hold")
        reader, writer = await place.connect()
        writer.write(held + GET * 5000)
        await asyncio.sleep(0.3)
        assert len(place.protocols[0].pipeline) <= MAX_PIPELINED
        place.app.go.set()
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while got := await reader.read(65536):
                said += got
        assert 1 <= len(statuses(said)) <= 1 + MAX_PIPELINED

    run(script)


@pytest.mark.parametrize("second", [b"\x00\x00\x00\x00", b"GET /x HTTP/1.1\r\n\r\n"])
def test_an_answer_that_is_owed_comes_first_and_is_the_last(second: bytes) -> None:
    async def script(place: Place) -> None:
        reader, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold"))
        await asyncio.sleep(0.1)
        writer.write(second)
        await asyncio.sleep(0.1)
        place.app.go.set()
        said = await reader.read()
        assert statuses(said) == [200]
        assert said.endswith(b"<0>")

    run(script)


def test_a_hang_up_is_told_to_the_request_that_runs() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        writer.write(GET.replace(b"/x", b"/hold"))
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.2)
        assert place.app.hung_up == 1

    run(script)


def test_an_upgrade_is_not_spoken_of() -> None:
    async def script(place: Place) -> None:
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
        assert statuses(await place.says(GET[:-2] + upgrade)) == [200]
        assert place.app.scopes[0]["type"] == "http"

    run(script)


def test_who_goes_on_sending_a_body_that_was_answered_is_cut() -> None:
    async def script(place: Place) -> None:
        _, writer = await place.connect()
        head = POST.replace(b"/x", b"/early")
        writer.write(head + b"Content-Length: 1000000000\r\n\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 200 << 20:
                writer.write(b"x" * (1 << 20))
                await writer.drain()
                sent += 1 << 20
        assert sent < 200 << 20

    run(script)
