"""The one outbound client: a pooled HTTP/1.1 transport over plain types.

Completions, key tests and health checks all call it. It follows no redirect, reads no proxy from
the environment, verifies TLS, and asks for no compression.
"""

from __future__ import annotations

import asyncio
import ssl

from shared.metrics import RESENT
from shared.upstream.faults import ConnectFailed, DeadlineReached, Unanswered
from shared.upstream.limits import Limits
from shared.upstream.origin import Origin
from shared.upstream.pool import Pool
from shared.upstream.request import UpstreamRequest
from shared.upstream.response import UpstreamResponse

__all__ = ["Limits", "Transport", "UpstreamRequest", "UpstreamResponse"]


class Transport:
    """A pool of connections for each origin. Belongs to one event loop."""

    def __init__(
        self, limits: Limits | None = None, *, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._ssl = ssl_context
        self._pools: dict[Origin, Pool] = {}
        self._private_pools: dict[Origin, Pool] = {}
        self._is_closed = False

    async def send(self, outgoing: UpstreamRequest, *, deadline: float) -> UpstreamResponse:
        """The answer's head has come when this returns; its body may still be on the way.

        `deadline` is the loop's time by which the whole answer must be there. The request is sent
        a second time only where a reused connection was lost before the upstream can have begun to
        work on it, which a metric counts.
        Raises TransportFault.
        """
        # Apart: what one provider's row allows must not serve another's at the same place, nor
        # outlive the row.
        pools = self._private_pools if outgoing.may_be_private else self._pools
        pool = pools.get(outgoing.origin) or self._open_pool(outgoing)
        _check(deadline)
        connection = pool.idle() or await pool.connect(deadline)
        try:
            return await connection.exchange(outgoing, deadline)
        except Unanswered:
            _check(deadline)
            RESENT.labels(outgoing.origin.host).inc()
        connection = await pool.connect(deadline)
        return await connection.exchange(outgoing, deadline)

    async def aclose(self) -> None:
        """Drop every connection, made or in the making, wait until they are gone; make no more."""
        self._is_closed = True
        pools = [*self._pools.values(), *self._private_pools.values()]
        self._pools, self._private_pools = {}, {}
        await asyncio.gather(*(pool.aclose() for pool in pools))

    def _open_pool(self, outgoing: UpstreamRequest) -> Pool:
        if self._is_closed:
            raise ConnectFailed("the outbound client is closed")
        origin = outgoing.origin
        context = None
        if origin.scheme == "https":
            if self._ssl is None:
                self._ssl = ssl.create_default_context()
            context = self._ssl
        pool = Pool(origin, self._limits, context, allows_private=outgoing.may_be_private)
        pools = self._private_pools if outgoing.may_be_private else self._pools
        pools[origin] = pool
        return pool


def _check(deadline: float) -> None:
    """Past its deadline a request must not be sent: it would be billed, and its answer dropped."""
    if asyncio.get_running_loop().time() >= deadline:
        raise DeadlineReached("the request's deadline is reached")
