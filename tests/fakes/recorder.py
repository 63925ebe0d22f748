"""A server that hands each request on to another and keeps what was asked and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.fakes.raw_server import RawServer, Wire


class Exchange:
    """One request and what came for it; header names are lower-case."""

    def __init__(self, request: bytes) -> None:
        head, _, self.body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        self.raw_answer = b""

    @property
    def answer(self) -> bytes:
        """The answer's body, without its chunking."""
        head, _, body = self.raw_answer.partition(b"\r\n\r\n")
        return _unchunked(body) if b"transfer-encoding: chunked" in head.lower() else body


class Recorder(RawServer):
    """Use as `with`; `exchanges` has the oldest first, each before its answer's last byte."""

    def __init__(self, upstream_url: str) -> None:
        super().__init__(self._hand_on)
        parts = urlsplit(upstream_url)
        self._upstream = (parts.hostname, parts.port)
        self.exchanges: list[Exchange] = []

    async def _hand_on(self, wire: Wire) -> None:
        """One request a connection: so the answer's end is the connection's."""
        request = await wire.request()
        exchange = Exchange(request)
        self.exchanges.append(exchange)
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            while part := await reader.read(64 * 1024):
                exchange.raw_answer += part
                await wire.send(part)
        finally:
            writer.close()


def _unchunked(data: bytes) -> bytes:
    parts: list[bytes] = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size or b"0", 16)
        parts.append(rest[:length])
        data = rest[length + 2 :]
    return b"".join(parts)
