"""The transports that the conformance suite compares: httpx's own, and ours on both event loops."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx
import uvloop

from shared.upstream.transport import Limits, Transport
from tests.shared.upstream.httpx_bridge import http_client

T = TypeVar("T")
Case = Callable[[httpx.AsyncClient], Awaitable[T]]

# A case that hangs is a case that fails: far above what any takes.
_CASE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One transport under test. `is_ours` is for the few cases where the two rightly differ."""

    name: str
    is_ours: bool
    new_loop: Callable[[], asyncio.AbstractEventLoop]

    def run(
        self,
        case: Case[T],
        url: str,
        *,
        trust: ssl.SSLContext | None = None,
        connect_s: float = 5.0,
        read_s: float = 5.0,
    ) -> T:
        """What `case` returns, given a client that may call the local server at `url`."""

        async def main() -> T:
            async with asyncio.timeout(_CASE_S):
                if self.is_ours:
                    return await _with_ours(case, url, trust, connect_s, read_s)
                return await _with_httpx(case, trust, connect_s, read_s)

        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(main())

    def get(self, url: str, *, trust: ssl.SSLContext | None = None) -> httpx.Response:
        """The answer to one GET, read whole."""
        return self.run(lambda client: client.get(url), url, trust=trust)


async def _with_ours(
    case: Case[T], url: str, trust: ssl.SSLContext | None, connect_s: float, read_s: float
) -> T:
    transport = Transport(Limits(connect_s=connect_s), ssl_context=trust)
    try:
        async with http_client(transport, deadline_s=_CASE_S, read_s=read_s) as client:
            return await case(client)
    finally:
        await transport.aclose()


async def _with_httpx(
    case: Case[T], trust: ssl.SSLContext | None, connect_s: float, read_s: float
) -> T:
    transport = httpx.AsyncHTTPTransport(
        verify=trust or ssl.create_default_context(), trust_env=False
    )
    timeout = httpx.Timeout(read_s, connect=connect_s)
    async with httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False) as client:
        return await case(client)


HTTPX = Peer(name="httpx", is_ours=False, new_loop=asyncio.new_event_loop)
PEERS = (
    HTTPX,
    Peer(name="ours", is_ours=True, new_loop=asyncio.new_event_loop),
    Peer(name="ours on uvloop", is_ours=True, new_loop=uvloop.new_event_loop),
)
