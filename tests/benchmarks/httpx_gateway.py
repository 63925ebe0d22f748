"""The same gateway with plain httpx in place of our transport: what that would cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from shared.completion import open as opening
from shared.upstream.faults import ConnectFailed, ConnectionCut, DeadlineReached
from shared.upstream.transport import UpstreamRequest


class HttpxAnswer:
    """An Answer as far as completing needs it."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] | None = None
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.raw]

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)

    async def read(self) -> bytes:
        body = await self._response.aread()
        await self._response.aclose()
        return body

    async def next(self) -> bytes | None:
        if self._chunks is None:
            self._chunks = self._response.aiter_raw()
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            return None
        except httpx.TransportError as error:
            raise ConnectionCut("the connection was cut") from error

    def close(self) -> None:
        self._closing = asyncio.ensure_future(self._response.aclose())


class HttpxTransport:
    """A Transport as far as completing needs it."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=1000, max_keepalive_connections=1000),
            timeout=120,
            trust_env=False,
        )

    async def send(self, outgoing: UpstreamRequest, *, deadline: float) -> HttpxAnswer:
        origin = outgoing.origin
        url = f"{origin.scheme}://{origin.authority.decode()}{outgoing.target.decode()}"
        lines = [line.partition(b": ") for line in outgoing.headers.splitlines()]
        request = self._client.build_request(
            outgoing.method.decode(),
            url,
            headers=[(name, value) for name, _, value in lines],
            content=outgoing.body,
        )
        try:
            async with asyncio.timeout_at(deadline):
                return HttpxAnswer(await self._client.send(request, stream=True))
        except TimeoutError as error:
            raise DeadlineReached("the deadline is reached") from error
        except httpx.TransportError as error:
            raise ConnectFailed("the connection failed") from error

    async def aclose(self) -> None:
        await self._client.aclose()


opening.Transport = HttpxTransport  # type: ignore[assignment,misc]

from functions.gateway.app import app  # noqa: E402  after its transport was replaced

__all__ = ["app"]
