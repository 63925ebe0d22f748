"""Our transport behind httpx's interface, so that both can be put through the same cases.

Every place may be private: the servers of these tests are on loopback. httpx's read timeout, where
a case sets one, bounds the wait for the head and for each part of the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from typing import cast

import httpx

from shared.upstream.faults import (
    ConnectFailed,
    ConnectionCut,
    ConnectTimeout,
    DeadlineReached,
    ProtocolViolation,
    TransportFault,
)
from shared.upstream.origin import parse_url
from shared.upstream.transport import Transport, UpstreamRequest, UpstreamResponse

# The transport writes these itself, or speaks for the connection they are about.
_TRANSPORTS_OWN = (b"accept-encoding", b"connection", b"content-length", b"host")

_HTTPX_ERRORS: tuple[tuple[type[TransportFault], type[httpx.TransportError]], ...] = (
    (ConnectTimeout, httpx.ConnectTimeout),
    (ConnectFailed, httpx.ConnectError),
    (DeadlineReached, httpx.ReadTimeout),
    (ConnectionCut, httpx.ReadError),
    (ProtocolViolation, httpx.RemoteProtocolError),
)


def http_client(
    transport: Transport, *, deadline_s: float, read_s: float | None = None
) -> httpx.AsyncClient:
    """Closing the client does not close the transport."""
    bridge = _Bridge(transport, deadline_s)
    return httpx.AsyncClient(
        transport=bridge, timeout=httpx.Timeout(None, read=read_s), trust_env=False
    )


class _Bridge(httpx.AsyncBaseTransport):
    def __init__(self, transport: Transport, deadline_s: float) -> None:
        self._transport = transport
        self._deadline_s = deadline_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        outgoing = _outgoing(request, await request.aread())
        timeouts = cast("Mapping[str, float | None]", request.extensions["timeout"])
        with _as_httpx_errors(request):
            async with asyncio.timeout(timeouts.get("read")):
                answer = await self._transport.send(outgoing, deadline=deadline)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, request, timeouts.get("read")),
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.AsyncByteStream):
    def __init__(
        self, answer: UpstreamResponse, request: httpx.Request, read_s: float | None
    ) -> None:
        self._answer = answer
        self._request = request
        self._read_s = read_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._next()) is not None:
            yield part

    async def aclose(self) -> None:
        self._answer.close()

    async def _next(self) -> bytes | None:
        with _as_httpx_errors(self._request):
            async with asyncio.timeout(self._read_s):
                return await self._answer.next()


def _outgoing(request: httpx.Request, body: bytes) -> UpstreamRequest:
    # httpx keeps a fragment, which never travels (RFC 9110, section 7.1).
    origin, target = parse_url(str(request.url.copy_with(fragment=None)))
    headers = request.headers.raw
    return UpstreamRequest(
        method=request.method.encode(),
        origin=origin,
        target=target.encode(),
        headers=b"".join(
            b"%b: %b\r\n" % (name, value)
            for name, value in headers
            if name.lower() not in _TRANSPORTS_OWN
        ),
        body=body,
        may_be_private=True,
    )


@contextmanager
def _as_httpx_errors(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except TransportFault as fault:
        for ours, theirs in _HTTPX_ERRORS:
            if isinstance(fault, ours):
                raise theirs(str(fault), request=request) from fault
        raise
    except TimeoutError as error:
        message = "the upstream did not answer within the request's timeout"
        raise httpx.ReadTimeout(message, request=request) from error
