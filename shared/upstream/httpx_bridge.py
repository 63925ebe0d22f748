"""The upstream transport behind httpx's interface, for everything off the hot path.

Key tests, health checks and tools write ordinary httpx and still go out by the one client that
checks addresses. Four things differ from httpx's own transport: the Host header is always the
URL's, bodies come uncompressed and up to `Limits.body_bytes` even as a stream, and a request's body
is read whole before it is sent.

Time. `deadline_s` bounds a request from its start to the end of its answer's body. httpx's four
timeouts, where a caller sets them, are honoured as far as they map: the head of the answer must be
there within pool + connect + write + read, which is the longest that httpx itself would wait for a
server that sends its head at once, and each part of the body within `read`. How long one connect
may take is the transport's own limit, shared by all.
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
    IdleTimeout,
    ProtocolViolation,
    TransportFault,
)
from shared.upstream.header_lines import header_lines
from shared.upstream.origin import parse_url
from shared.upstream.transport import Transport, UpstreamRequest, UpstreamResponse

# The transport writes these itself, or speaks for the connection they are about.
_TRANSPORTS_OWN = frozenset(
    (
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"transfer-encoding",
        b"upgrade",
    )
)

_HTTPX_ERRORS: tuple[tuple[type[TransportFault], type[httpx.TransportError]], ...] = (
    (ConnectTimeout, httpx.ConnectTimeout),
    (ConnectFailed, httpx.ConnectError),
    (IdleTimeout, httpx.ReadTimeout),
    (DeadlineReached, httpx.ReadTimeout),
    (ConnectionCut, httpx.ReadError),
    (ProtocolViolation, httpx.RemoteProtocolError),
)


class SwitchyardTransport(httpx.AsyncBaseTransport):
    """One request, one answer over `transport`, which stays open: whoever made it closes it.

    Raises httpx.ConnectError, ConnectTimeout, ReadTimeout, ReadError, RemoteProtocolError, and
    LocalProtocolError for a URL or a header that must not be sent.
    """

    def __init__(self, transport: Transport, *, deadline_s: float) -> None:
        self._transport = transport
        self._deadline_s = deadline_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        outgoing = _outgoing(request, await request.aread())
        timeouts = cast("Mapping[str, float | None]", request.extensions.get("timeout", {}))
        with _as_httpx_errors(request):
            async with asyncio.timeout(_until_head_s(timeouts)):
                answer = await self._transport.send(outgoing, deadline=deadline)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, request, timeouts.get("read"), self._transport.limits.body_bytes),
            extensions={"http_version": b"HTTP/1.1"},
        )


def http_client(transport: Transport, *, deadline_s: float) -> httpx.AsyncClient:
    """An httpx client that goes out by `transport` and takes nothing from the environment.

    A request may take `deadline_s` in all. Redirects are answers, not followed. Closing the client
    does not close the transport.
    """
    return httpx.AsyncClient(
        transport=SwitchyardTransport(transport, deadline_s=deadline_s),
        timeout=None,  # noqa: S113  the deadline and the transport's limits bound every wait
        trust_env=False,
        follow_redirects=False,
    )


class _Body(httpx.AsyncByteStream):
    def __init__(
        self, answer: UpstreamResponse, request: httpx.Request, read_s: float | None, cap_bytes: int
    ) -> None:
        self._answer = answer
        self._request = request
        self._read_s = read_s
        self._cap_bytes = cap_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        while (part := await self._next()) is not None:
            size += len(part)
            if size > self._cap_bytes:
                message = f"the answer is longer than {self._cap_bytes} bytes"
                raise httpx.ReadError(message, request=self._request)
            yield part

    async def aclose(self) -> None:
        self._answer.close()

    async def _next(self) -> bytes | None:
        with _as_httpx_errors(self._request):
            async with asyncio.timeout(self._read_s):
                return await self._answer.next()


def _outgoing(request: httpx.Request, body: bytes) -> UpstreamRequest:
    # httpx keeps a fragment, which never travels (RFC 9110, section 7.1).
    url = str(request.url.copy_with(fragment=None))
    try:
        origin, target = parse_url(url)
        headers = header_lines(
            header for header in request.headers.raw if header[0].lower() not in _TRANSPORTS_OWN
        )
    except ValueError as error:
        raise httpx.LocalProtocolError(str(error), request=request) from error
    return UpstreamRequest(
        method=request.method.encode("ascii"),
        origin=origin,
        target=target.encode("ascii"),
        headers=headers,
        body=body,
    )


def _until_head_s(timeouts: Mapping[str, float | None]) -> float | None:
    parts = [timeouts.get(part) for part in ("pool", "connect", "write", "read")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


@contextmanager
def _as_httpx_errors(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except TransportFault as fault:
        for ours, theirs in _HTTPX_ERRORS:
            if isinstance(fault, ours):
                raise theirs(str(fault), request=request) from fault
        raise httpx.TransportError(str(fault), request=request) from fault
    except TimeoutError as error:
        message = "the upstream did not answer within the request's timeout"
        raise httpx.ReadTimeout(message, request=request) from error
