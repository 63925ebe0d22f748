"""The operator's proxy, through which every provider but the operator's own servers is reached.

A tunnel is asked for with CONNECT (RFC 9110, section 9.3.6), for http as for https, so the proxy
sees a host and a port and no key. Credentials go in Proxy-Authorization, as Basic (RFC 7617).
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import Final, cast
from urllib.parse import unquote, urlsplit

import msgspec

from shared.upstream.faults import ConnectFailed
from shared.upstream.origin import Origin

_PORTS: Final = {"http": 80, "https": 443}
_HEAD_BYTES: Final = 16 * 1024
_HEAD_END: Final = b"\r\n\r\n"


class Proxy(msgspec.Struct, frozen=True):
    """`authorization` is a whole header line, or empty; it is in no repr."""

    host: str
    port: int
    is_tls: bool
    authorization: bytes = b""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def parse_proxy(url: str) -> Proxy:
    """Of `http://user:password@host:port`, or https. Raises ValueError, which repeats nothing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("its host or port cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ValueError("it must start with http:// or https://")
    if not parts.hostname or not url.isprintable() or parts.path.strip("/") or parts.query:
        raise ValueError("it must be a host, with a port and credentials before it if need be")
    authorization = b""
    if parts.username is not None:
        named = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        coded = base64.b64encode(named.encode())
        authorization = b"proxy-authorization: Basic %b\r\n" % coded
    is_tls = parts.scheme == "https"
    return Proxy(parts.hostname, port or _PORTS[parts.scheme], is_tls, authorization)


async def open_tunnel(proxy: Proxy, origin: Origin, trust: ssl.SSLContext | None) -> Tunnel:
    """A connection through `proxy` to `origin`'s host and port, in the clear so far.

    `trust` verifies an https proxy. Raises ConnectFailed where the proxy refuses; OSError where it
    cannot be reached. A time limit is the caller's.
    """
    loop = asyncio.get_running_loop()
    _, tunnel = await loop.create_connection(
        lambda: Tunnel(loop),
        proxy.host,
        proxy.port,
        ssl=trust if proxy.is_tls else None,
        server_hostname=proxy.host if proxy.is_tls else None,
    )
    try:
        await tunnel.connect(proxy, origin)
    except BaseException:
        tunnel.transport.abort()
        raise
    return tunnel


class Tunnel(asyncio.Protocol):
    """Waits for the proxy's answer; then another protocol takes the transport over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._head = b""
        self._answered: asyncio.Future[None] = loop.create_future()

    async def connect(self, proxy: Proxy, origin: Origin) -> None:
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        place = f"{host}:{origin.port}".encode()
        self.transport.write(
            b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (place, place, proxy.authorization)
        )
        await self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(_HEAD_END)
        if self._answered.done() or (not end and len(self._head) <= _HEAD_BYTES):
            return
        status = head.split(b" ", 2)[1:2]
        is_open = head.startswith(b"HTTP/1.") and status and status[0].startswith(b"2")
        if is_open and end and not rest:
            self._answered.set_result(None)
            return
        told = status[0].decode("latin-1") if status else ""
        known = (
            f"HTTP {told}" if told.isascii() and told.isdigit() and len(told) == 3 else "no HTTP"
        )
        self._answered.set_exception(
            ConnectFailed(f"the proxy set in UPSTREAM_PROXY_URL refused the connection ({known})")
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(
                ConnectFailed("the proxy set in UPSTREAM_PROXY_URL closed the connection")
            )
