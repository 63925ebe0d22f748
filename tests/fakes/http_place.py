"""An app behind the protocol on a real socket, and a client that says what it likes to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from shared.http_protocol import Bounded

HOST = b"Host: localhost\r\n"
GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /x HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class App:
    """Answers with the length of what it was sent.

    `/hold` does so once `go` is set; `/deaf` reads nothing before that, `/early` nothing at all.
    `/breaks` sends more than it is read, and gives up.
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
        if scope["path"] == "/breaks":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_say_without_end(send), 0.3)
            return
        said = b"x" * 8_000_000 if scope["path"] == "/large" else b"<%d>" % len(body)
        head = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": said})


async def _say_without_end(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})


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
