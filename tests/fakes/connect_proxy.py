"""A little forward proxy that knows CONNECT alone, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from queue import Queue


class ConnectProxy:
    """`asked` are the places that CONNECT named, `heads` what came with them, in order.

    `password` (`user:password`) is asked for where it is set; `refuses` is answered to everything;
    `resolves` are names that it alone knows, with their port.
    """

    def __init__(
        self,
        *,
        password: str | None = None,
        refuses: bytes | None = None,
        resolves: Mapping[str, int] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.port = 0
        self._password = password
        self._refuses = refuses
        self._resolves = resolves or {}
        self._tls = tls

    def url(self, credentials: str = "") -> str:
        return f"http{'s' if self._tls else ''}://{credentials}127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[ConnectProxy]:
        listening: Queue[Callable[[], object]] = Queue()
        thread = threading.Thread(target=lambda: asyncio.run(self._run(listening.put)), daemon=True)
        thread.start()
        end = listening.get(timeout=10)
        try:
            yield self
        finally:
            end()
            thread.join(10)

    async def _run(self, listening: Callable[[Callable[[], object]], None]) -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda *_: None)  # a client that trusts nobody hangs up
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        listening(lambda: loop.call_soon_threadsafe(end.set))
        await end.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, place, _ = head.decode("latin-1").split(" ", 2)
            self.asked.append(place)
            self.heads.append(head)
            refusal = self._refusal(method, head)
            if refusal is not None:
                writer.write(refusal)
                await writer.drain()
                writer.close()
                return
            host, _, port = place.rpartition(":")
            known = self._resolves.get(host)
            inner_reader, inner = await asyncio.open_connection(
                "127.0.0.1" if known else host.strip("[]"), known or int(port)
            )
            writer.write(b"HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n")
            await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))

    def _refusal(self, method: str, head: bytes) -> bytes | None:
        if self._refuses is not None:
            return self._refuses
        if method != "CONNECT":
            return b"HTTP/1.1 405 Method Not Allowed\r\n\r\n"
        if self._password is not None:
            line = b"proxy-authorization: Basic " + base64.b64encode(self._password.encode())
            if line not in head:
                return b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
