"""TLS before a server that has none, with a certificate that nobody's authority has signed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Queue

import trustme

_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


class TlsFront:
    """Counts the `handshakes` that came to their end."""

    def __init__(self, target_port: int, context: ssl.SSLContext, *, postgres: bool) -> None:
        self.port = 0
        self.handshakes = 0
        self._target_port = target_port
        self._context = context
        self._postgres = postgres

    async def run(self, listening: Callable[[Callable[[], object]], None]) -> None:
        """PostgreSQL's clients ask in the clear whether they may; all others begin with TLS.

        `listening` is told how to end it, from any thread.
        """
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda *_: None)  # a client that trusts nobody hangs up
        tls = None if self._postgres else self._context
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        listening(partial(loop.call_soon_threadsafe, end.set))
        await end.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self._postgres:
                if await reader.readexactly(8) != _SSL_REQUEST:
                    writer.close()  # as a server that takes no client without TLS
                    return
                writer.write(b"S")
                await writer.start_tls(self._context)
            self.handshakes += 1
            inner_reader, inner = await asyncio.open_connection("127.0.0.1", self._target_port)
            await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@contextlib.contextmanager
def tls_front(folder: Path, target_port: int, *, postgres: bool = False) -> Iterator[TlsFront]:
    """In a thread of its own, for the length of the `with`."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    chain = folder / f"front-{target_port}.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    front = TlsFront(target_port, context, postgres=postgres)
    listening: Queue[Callable[[], object]] = Queue()
    thread = threading.Thread(target=lambda: asyncio.run(front.run(listening.put)))
    thread.start()
    end = listening.get(timeout=10)
    try:
        yield front
    finally:
        end()
        thread.join()
