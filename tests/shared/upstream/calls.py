"""What the tests of the transport itself need: a transport, a request, a deadline."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from shared.upstream.origin import parse_url
from shared.upstream.transport import Limits, Transport, UpstreamRequest
from tests.fakes.raw_server import RawServer

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@asynccontextmanager
async def open_transport(
    *, trust: ssl.SSLContext | None = None, **limits: float
) -> AsyncIterator[Transport]:
    """Closed at the end."""
    transport = Transport(Limits(**limits), ssl_context=trust)
    try:
        yield transport
    finally:
        await transport.aclose()


def request(
    url: str,
    *,
    method: bytes = b"POST",
    headers: bytes = b"",
    body: bytes = b"{}",
    may_be_private: bool = True,
) -> UpstreamRequest:
    origin, target = parse_url(url)
    return UpstreamRequest(
        method=method,
        origin=origin,
        target=target.encode(),
        headers=headers,
        body=body,
        may_be_private=may_be_private,
    )


def within(seconds: float = 20.0) -> float:
    """A deadline on the running loop's clock."""
    return asyncio.get_running_loop().time() + seconds


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test may move on."""

    skipped_s = 0.0

    def time(self) -> float:
        return super().time() + self.skipped_s

    async def pass_by(self, seconds: int) -> None:
        """Let time go by, a second at a time; what falls due on the way is run."""
        for _ in range(seconds):
            self.skipped_s += 1
            await asyncio.sleep(0)


def run_skipping(main: Callable[[SkippingLoop], Coroutine[Any, Any, None]]) -> None:
    """Run `main` to its end on a loop of its own."""
    loop = SkippingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main(loop))


async def call(transport: Transport, server: RawServer) -> bytes:
    """One POST, and its answer read whole."""
    return await (await transport.send(request(server.url), deadline=within())).read()
