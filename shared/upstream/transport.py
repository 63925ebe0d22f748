"""The one outbound client: a pooled HTTP/1.1 transport over plain types.

Completions, key tests and health checks all call it. It follows no redirect, knows no proxy but
that of UPSTREAM_PROXY_URL, verifies TLS, and asks for no compression.
"""

from __future__ import annotations

import asyncio
import ssl

from shared.metrics import RESENT
from shared.settings import SettingsInvalid, UpstreamSettings
from shared.upstream.faults import ConnectFailed, Unanswered
from shared.upstream.limits import Limits
from shared.upstream.origin import Origin
from shared.upstream.pool import Pool
from shared.upstream.proxy import Proxy, parse_proxy
from shared.upstream.request import UpstreamRequest
from shared.upstream.response import UpstreamResponse

__all__ = ["Limits", "Transport", "UpstreamRequest", "UpstreamResponse"]


class Transport:
    """A pool of connections for each origin. Belongs to one event loop."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        """`proxy` None: providers are called directly."""
        self._limits = limits or Limits()
        self._ssl = ssl_context
        self._proxy = proxy
        self._pools: dict[Origin, Pool] = {}
        self._private_pools: dict[Origin, Pool] = {}
        self._direct_pools: dict[Origin, Pool] = {}
        self._is_closed = False

    @classmethod
    def from_settings(cls, settings: UpstreamSettings) -> Transport:
        """Raises SettingsInvalid, which names the setting and repeats none of a secret."""
        return cls(ssl_context=_trust_of(settings), proxy=_proxy_of(settings))

    async def send(self, outgoing: UpstreamRequest, *, deadline: float) -> UpstreamResponse:
        """The answer's head has come when this returns; its body may still be on the way.

        `deadline` is the loop's time by which the whole answer must be there. The request is sent
        a second time only where a reused connection was lost before the upstream can have begun to
        work on it, which a metric counts.
        Raises TransportFault.
        """
        # Apart: what one provider's row allows must not serve another's at the same place, nor
        # outlive the row.
        pools = self._pools_for(outgoing)
        pool = pools.get(outgoing.origin) or self._open_pool(outgoing)
        pool.check(deadline)
        connection = pool.idle() or await pool.connect(deadline)
        try:
            return await connection.exchange(outgoing, deadline)
        except Unanswered:
            pool.check(deadline)
            RESENT.labels(outgoing.origin.host).inc()
        connection = await pool.connect(deadline)
        return await connection.exchange(outgoing, deadline)

    async def aclose(self) -> None:
        """Drop every connection, made or in the making, wait until they are gone; make no more."""
        self._is_closed = True
        known = (self._pools, self._private_pools, self._direct_pools)
        pools = [pool for pools in known for pool in pools.values()]
        self._pools, self._private_pools, self._direct_pools = {}, {}, {}
        await asyncio.gather(*(pool.aclose() for pool in pools))

    def _pools_for(self, outgoing: UpstreamRequest) -> dict[Origin, Pool]:
        if outgoing.goes_direct:
            return self._direct_pools
        return self._private_pools if outgoing.may_be_private else self._pools

    def _open_pool(self, outgoing: UpstreamRequest) -> Pool:
        if self._is_closed:
            raise ConnectFailed("the outbound client is closed")
        origin = outgoing.origin
        proxy = None if outgoing.goes_direct else self._proxy
        if self._ssl is None and (origin.scheme == "https" or (proxy and proxy.is_tls)):
            self._ssl = ssl.create_default_context()
        pool = Pool(
            origin, self._limits, self._ssl, allows_private=outgoing.may_be_private, proxy=proxy
        )
        self._pools_for(outgoing)[origin] = pool
        return pool


def _trust_of(settings: UpstreamSettings) -> ssl.SSLContext | None:
    if settings.ca_file is None:
        return None
    trust = ssl.create_default_context()
    try:
        trust.load_verify_locations(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(
            "UPSTREAM_CA_FILE is not a file of certificates in PEM that can be read, for example"
            " UPSTREAM_CA_FILE=/etc/ssl/company-ca.pem"
        ) from error
    return trust


def _proxy_of(settings: UpstreamSettings) -> Proxy | None:
    if settings.proxy_url is None:
        return None
    try:
        return parse_proxy(settings.proxy_url.get_secret_value())
    except ValueError as error:
        raise SettingsInvalid(
            f"UPSTREAM_PROXY_URL is invalid: {error}, for example"
            " UPSTREAM_PROXY_URL=http://user:password@proxy:3128"
        ) from error
