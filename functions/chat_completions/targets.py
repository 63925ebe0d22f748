"""Where a deployment is, and with which key: the operator's settings over the provider's row.

A key is rendered into the headers of its own provider's host and of no other.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from pydantic import SecretStr

from shared.errors import ProviderUnavailable
from shared.routing.choose import Candidate
from shared.routing.snapshot import Provider
from shared.settings import PROVIDER_PREFIXES, ProviderSettings, TryOutSettings
from shared.upstream.origin import Origin, parse_url
from shared.upstream.provider_url import SIMULATED_KEY, ProviderUrls
from shared.upstream.transport import Transport
from shared.wire.dialect import Dialect, dialect_of


class Target(msgspec.Struct, frozen=True):
    """`target` is the request path, `headers` are header lines with the credential in them."""

    dialect: Dialect
    origin: Origin
    target: bytes
    headers: bytes
    is_simulated: bool

    def __repr__(self) -> str:
        return f"Target({self.origin.host})"


class Targets:
    """The targets of all providers; `keyed` holds the slugs of those that can be called."""

    def __init__(
        self,
        transport: Transport,
        *,
        keys: Mapping[str, SecretStr],
        urls: ProviderUrls,
    ) -> None:
        self._transport = transport
        self._keys = keys
        self._urls = urls
        self._known: dict[tuple[str, str, str], Target] = {}
        self.keyed = frozenset(PROVIDER_PREFIXES if urls.is_simulated else keys)

    @classmethod
    def from_settings(
        cls, transport: Transport, providers: ProviderSettings, try_out: TryOutSettings
    ) -> Targets:
        return cls(
            transport,
            keys=providers.api_keys(),
            urls=ProviderUrls.from_settings(providers, try_out),
        )

    def of(self, candidate: Candidate) -> Target:
        """Raises ProviderUnavailable where the provider's base URL cannot be used."""
        provider = candidate.model.provider
        place = (provider.slug, provider.base_url, provider.dialect)
        target = self._known.get(place)
        if target is None:
            target = self._known[place] = self._make(provider)
        return target

    def _make(self, provider: Provider) -> Target:
        place = self._urls.of(provider)
        try:
            dialect = dialect_of(provider.dialect, provider.slug)
            origin, path = parse_url(place.url + dialect.path)
            headers = dialect.headers(self._key(provider.slug))
        except ValueError as error:
            raise ProviderUnavailable(
                provider.slug,
                f"The base URL, dialect or key set for {provider.slug} cannot be used.",
            ) from error
        if place.is_trusted:
            self._transport.allow_private(origin)
        return Target(dialect, origin, path.encode(), headers, place.is_simulated)

    def _key(self, slug: str) -> str | None:
        if self._urls.is_simulated:
            return SIMULATED_KEY
        key = self._keys.get(slug)
        return None if key is None else key.get_secret_value()
