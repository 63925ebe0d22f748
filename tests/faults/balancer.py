"""A client that spreads its requests over processes as a load balancer does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence

import httpx


class Balancer(httpx.AsyncBaseTransport):
    """In turns to those that answered 200 to the last look at /readyz; to another where one refused
    the connection. What was sent is never sent a second time. Idle connections are kept.
    """

    def __init__(self, urls: Sequence[str], *, look_every_s: float = 0.2) -> None:
        self._look_every_s = look_every_s
        self._pools = {httpx.URL(url): httpx.AsyncHTTPTransport() for url in urls}
        self._ready = set(self._pools)
        self._turns = itertools.count()

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=1) as client,
            asyncio.TaskGroup() as group,
        ):
            looks = [group.create_task(self._look(client, url)) for url in self._pools]
            yield
            for look in looks:
                look.cancel()

    async def _look(self, client: httpx.AsyncClient, url: httpx.URL) -> None:
        while True:
            try:
                is_ready = (await client.get(url.join("/readyz"))).status_code == 200
            except httpx.TransportError:
                is_ready = False
            (self._ready.add if is_ready else self._ready.discard)(url)
            await asyncio.sleep(self._look_every_s)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ready = sorted(self._ready, key=str) or list(self._pools)
        turn = next(self._turns)
        refused: httpx.ConnectError | None = None
        for nth in range(len(ready)):
            url = ready[(turn + nth) % len(ready)]
            request.url = request.url.copy_with(host=url.host, port=url.port)
            try:
                return await self._pools[url].handle_async_request(request)
            except httpx.ConnectError as error:
                refused = error
        assert refused is not None
        raise refused
