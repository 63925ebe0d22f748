"""The connections to one origin: kept, counted, made when needed."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque

from shared.upstream.address import is_metadata, is_public, is_public_name
from shared.upstream.connection import Connection
from shared.upstream.faults import (
    AddressRefused,
    ConnectFailed,
    ConnectTimeout,
    DeadlineReached,
)
from shared.upstream.limits import Limits
from shared.upstream.origin import Origin
from shared.upstream.proxy import Proxy, open_tunnel

_CLOSE_S = 5.0
_RESOLVE_S = 1.0
_KEEP_ALIVE = tuple(
    (getattr(socket, name), value)
    # After 60 s of silence a peer is asked every 15 s, and is gone after 4 times without a word.
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPALIVE", 60),  # macOS's name of the same
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 4),
    )
    if hasattr(socket, name)
)


class Pool:
    """The newest idle connection is used first, so that those no longer needed run out."""

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        ssl_context: ssl.SSLContext | None,
        *,
        allows_private: bool,
        proxy: Proxy | None = None,
    ) -> None:
        """`ssl_context` says whom to trust; an http origin needs none, unless its proxy does."""
        self._allows_private = allows_private
        self._proxy = proxy
        self._origin = origin
        self._limits = limits
        self._trust = ssl_context
        self._ssl = ssl_context if origin.scheme == "https" else None
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._emptied = asyncio.Event()
        self._is_closed = False
        self._connecting: set[asyncio.Timeout] = set()

    def check(self, deadline: float) -> None:
        """Past its deadline a request must not be sent: it would be billed, and its answer dropped.

        Raises DeadlineReached.
        """
        if self._loop.time() >= deadline:
            raise DeadlineReached("the request's deadline is reached")

    def idle(self) -> Connection | None:
        """A connection that was used before, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    async def connect(self, deadline: float) -> Connection:
        """A new connection (or, where as many as allowed are open, the next that comes free).

        Raises ConnectTimeout, ConnectFailed or AddressRefused: nothing has been sent.
        """
        ends = min(self._loop.time() + self._limits.connect_s, deadline)
        try:
            async with asyncio.timeout_at(ends) as patience:
                self._connecting.add(patience)
                try:
                    return await self._turn_or_new(ends)
                finally:
                    self._connecting.discard(patience)
        except TimeoutError as error:
            if self._is_closed:
                raise ConnectFailed("the outbound client is closed") from error
            raise ConnectTimeout(f"{self._origin.host} took too long to connect to") from error

    def release(self, connection: Connection) -> None:
        if len(self._idle) >= self._limits.idle_connections:
            connection.abort()
            return
        self._idle.append(connection)
        connection.rest()
        self._wake()

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._open:
            self._emptied.set()
        self._wake()

    async def aclose(self) -> None:
        """Drop every connection, made or in the making, for good.

        Requests under way fail with ConnectionCut, those that wait for a connection with
        ConnectFailed.
        """
        self._is_closed = True
        for patience in self._connecting:
            patience.reschedule(self._loop.time())
        for connection in tuple(self._open):
            connection.abort()
        if self._open:
            self._emptied.clear()
            async with asyncio.timeout(_CLOSE_S):
                await self._emptied.wait()

    async def _turn(self) -> None:
        turn = self._loop.create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _turn_or_new(self, ends: float) -> Connection:
        while len(self._open) + self._opening >= self._limits.connections:
            await self._turn()
            connection = self.idle()
            if connection is not None:
                return connection
        self._opening += 1
        try:
            return await self._connect(ends)
        finally:
            self._opening -= 1
            self._wake()

    async def _connect(self, ends: float) -> Connection:
        if self._proxy is not None:
            return await self._connect_through(self._proxy)
        addresses = await self._addresses()
        last: OSError | None = None
        for number, address in enumerate(addresses):
            left = len(addresses) - number
            share = (ends - self._loop.time()) / left
            try:
                async with asyncio.timeout(share if left > 1 else None):
                    return await self._connect_to(address)
            except (OSError, TimeoutError) as error:
                last = error
        raise ConnectFailed(f"the connection to {self._origin.host} failed") from last

    async def _connect_to(self, address: str) -> Connection:
        def make() -> Connection:
            return Connection(self, self._limits, self._loop)

        transport, connection = await self._loop.create_connection(
            make,
            address,
            self._origin.port,
            ssl=self._ssl,
            server_hostname=self._origin.host if self._ssl is not None else None,
        )
        _find_the_dead(transport.get_extra_info("socket"))
        # One that was lost before this task's turn came is forgotten already.
        if connection.is_usable:
            self._open.add(connection)
        return connection

    async def _connect_through(self, proxy: Proxy) -> Connection:
        await self._check_host()
        connection = Connection(self, self._limits, self._loop)
        try:
            tunnel = await open_tunnel(proxy, self._origin, self._trust)
            transport: asyncio.BaseTransport | None = tunnel.transport
            _find_the_dead(tunnel.transport.get_extra_info("socket"))
            if self._ssl is None:
                tunnel.transport.set_protocol(connection)
            else:
                transport = await self._loop.start_tls(
                    tunnel.transport, connection, self._ssl, server_hostname=self._origin.host
                )
        except OSError as error:
            raise ConnectFailed(
                f"the connection to {self._origin.host} through the proxy failed"
            ) from error
        if transport is None:
            raise ConnectFailed(f"the proxy ended the connection to {self._origin.host}")
        connection.connection_made(transport)
        self._open.add(connection)
        return connection

    async def _check_host(self) -> None:
        """Though the proxy is who resolves the host, what is not public is not asked of it.

        Behind a company's proxy a public name often resolves nowhere else; then the name decides.
        """
        try:
            async with asyncio.timeout(_RESOLVE_S):
                await self._addresses()
        except AddressRefused:
            raise
        except (ConnectFailed, TimeoutError) as error:
            if not self._allows_private and not is_public_name(self._origin.host):
                raise AddressRefused(f"{self._origin.host} is not a public name") from error

    async def _addresses(self) -> list[str]:
        """What the host resolves to, every one of them checked."""
        host = self._origin.host
        try:
            found = await self._loop.getaddrinfo(host, self._origin.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectFailed(f"{host} does not resolve") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if any(is_metadata(address) for address in addresses):
            raise AddressRefused(f"{host} resolves to an address where clouds keep credentials")
        if not self._allows_private and not all(is_public(address) for address in addresses):
            raise AddressRefused(f"{host} resolves to an address that is not public")
        return addresses


def _find_the_dead(peer: socket.socket) -> None:
    """Let the kernel notice a peer that vanished: nothing else limits how long it may be silent."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        peer.setsockopt(socket.IPPROTO_TCP, option, value)
