"""A TCP or TLS server that does byte for byte what a test's script says, in a thread of its own.

A script is a coroutine that plays the server's side of one connection:

    async def answer_slowly(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        await wire.gate("body")           # until the test calls server.open("body")
        await wire.send(b"ok")

    with RawServer(answer_slowly) as server:
        ...server.url, server.requests, server.accepted, server.ended_by_client...

The first connection plays the first script, the second the second, and the last one repeats. A
script that returns closes its connection; one that fails fails the test, but a client that hangs up
just ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Generator

_START_S = 10.0
_UNTIL_S = 10.0
_READ_LIMIT_BYTES = 64 * 1024


class HungUp(Exception):
    """The client closed or reset the connection; ends a script without failing the test."""


class Wire:
    """The server's side of one connection. `number` counts connections from 0."""

    def __init__(
        self,
        server: RawServer,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self._server = server
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """One whole request, head and body, as it came; recorded. Raises HungUp."""
        head = await self.head()
        with _hang_ups(self._server):
            whole = head + await self._body(head.lower())
        self._server.requests.append(whole)
        return whole

    async def head(self) -> bytes:
        """The head of a request alone, up to its blank line; not recorded. Raises HungUp."""
        with _hang_ups(self._server):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Hand over to the kernel; waits while the client does not read. Raises HungUp."""
        with _hang_ups(self._server):
            self._writer.write(data)
            await self._writer.drain()
        self._server.sent_bytes += len(data)

    async def drip(self, data: bytes, *, pause_s: float) -> None:
        """Each byte in a packet of its own."""
        for position in range(len(data)):
            await self.send(data[position : position + 1])
            await asyncio.sleep(pause_s)

    async def gate(self, name: str) -> None:
        """Wait until the test opens this gate."""
        await asyncio.to_thread(self._server.gate(name).wait, _UNTIL_S)

    async def until_hung_up(self) -> None:
        """Read and drop all that comes until the client ends the connection, then raise HungUp."""
        with _hang_ups(self._server):
            while await self._reader.read(_READ_LIMIT_BYTES):
                pass
            raise EOFError

    def reset(self) -> None:
        """End with RST: what was not delivered yet is lost to the client."""
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _body(self, lower_head: bytes) -> bytes:
        if b"transfer-encoding: chunked" in lower_head:
            return await self._reader.readuntil(b"0\r\n\r\n")
        for line in lower_head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                return await self._reader.readexactly(int(value))
        return b""


Script = Callable[[Wire], Awaitable[None]]


def answers(*payloads: bytes) -> Script:
    """A script that answers request after request with these bytes, then closes."""

    async def script(wire: Wire) -> None:
        for payload in payloads:
            await wire.request()
            await wire.send(payload)

    return script


def answers_always(payload: bytes) -> Script:
    """A script that answers every request with the same bytes until the client hangs up."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(payload)

    return script


async def silence(wire: Wire) -> None:
    """Read for ever, answer never."""
    await wire.until_hung_up()


class RawServer:
    """Use as `with`. Listens on `host` at a free port; `tls` makes it https.

    requests         each request that was read whole, oldest first
    accepted         connections made so far
    ended_by_client  connections that the client ended before the script did
    open_now, peak   connections open, and the most that ever were open at once
    sent_bytes       what the kernel has taken of what scripts sent
    """

    def __init__(
        self, *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.requests: list[bytes] = []
        self.accepted = 0
        self.ended_by_client = 0
        self.open_now = 0
        self.peak = 0
        self.sent_bytes = 0
        self.host = host
        self.port = 0
        self._gates: dict[str, threading.Event] = {}
        self._scripts = scripts
        self._tls = tls
        self._errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="raw-server", daemon=True)

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def open(self, gate: str) -> None:
        """Let every script that waits at this gate, now or later, go on."""
        self.gate(gate).set()

    def gate(self, name: str) -> threading.Event:
        # One dictionary call: atomic, where a script and the test name a gate at the same time.
        return self._gates.setdefault(name, threading.Event())

    async def until(self, holds: Callable[[RawServer], bool]) -> None:
        """Wait, from the test's own loop, until what the server saw makes this true."""
        async with asyncio.timeout(_UNTIL_S):
            while not holds(self):  # noqa: ASYNC110  what changes is in another thread
                await asyncio.sleep(0.002)

    def __enter__(self) -> RawServer:
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise RuntimeError("the raw server did not start")
        if self._errors:
            raise self._errors[0]
        return self

    def __exit__(self, *_: object) -> None:
        for gate in tuple(self._gates.values()):
            gate.set()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_UNTIL_S)
        if self._thread.is_alive():
            raise RuntimeError("the raw server did not stop")
        if self._errors:
            raise self._errors[0]

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except Exception as error:  # noqa: BLE001  raised again in the test's thread
                self._errors.append(error)
            finally:
                self._ready.set()

    async def _serve(self) -> None:
        # A TLS handshake that the client gives up is a case, not a fault of this server.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        server = await asyncio.start_server(
            self._connected, self.host, 0, ssl=self._tls, backlog=256
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        # A connection accepted just before its server closes would leak its socket (asyncio, 3.11):
        # so accept no more, and let those that are accepted become tasks of ours.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening)
        await _turns()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await _turns()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._play(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.accepted
        self.accepted += 1
        self.open_now += 1
        self.peak = max(self.peak, self.open_now)
        script = self._scripts[min(number, len(self._scripts) - 1)]
        try:
            await script(Wire(self, number, reader, writer))
        except HungUp:
            pass
        except Exception as error:  # noqa: BLE001  raised again in the test's thread
            self._errors.append(error)
        finally:
            self.open_now -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)


async def _turns() -> None:
    """Enough of the loop's turns to make an accepted connection, or to close an aborted one."""
    for _ in range(5):
        await asyncio.sleep(0)


@contextlib.contextmanager
def _hang_ups(server: RawServer) -> Generator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        server.ended_by_client += 1
        raise HungUp from error
