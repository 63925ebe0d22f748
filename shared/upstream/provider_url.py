"""Where a provider is: the operator's environment over its row, a simulated one over both."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from shared.routing.snapshot import Provider
from shared.settings import PROVIDER_PREFIXES, ProviderSettings, TryOutSettings
from shared.upstream.origin import parse_url
from shared.vault.owner import Owner

SIMULATED_KEY = "simulated"
"""What the simulated provider is sent where a provider's own key would go."""


class ProviderUrl(msgspec.Struct, frozen=True):
    """`url` has the version segment, and no slash at its end. `is_trusted`: the operator's own
    environment named it, so that it may be at a private address.
    """

    url: str
    is_trusted: bool
    is_simulated: bool


class ProviderUrls:
    """The base URL of each provider as this process was started to see it."""

    def __init__(self, *, base_urls: Mapping[str, str], simulated_url: str | None) -> None:
        self._base_urls = base_urls
        self._simulated_url = simulated_url

    @classmethod
    def from_settings(cls, providers: ProviderSettings, try_out: TryOutSettings) -> ProviderUrls:
        return cls(base_urls=providers.base_urls(), simulated_url=try_out.simulated_provider_url)

    def simulates(self, slug: str) -> bool:
        """Whether a simulated provider stands in: only for the built-in ones."""
        return self._simulated_url is not None and slug in PROVIDER_PREFIXES

    def names(self, slug: str) -> bool:
        """Whether the operator's environment says where this provider is."""
        return slug in self._base_urls

    def of(self, provider: Provider) -> ProviderUrl:
        return self.at(provider.slug, provider.base_url, is_local=provider.is_local)

    def at(self, slug: str, base_url: str, *, is_local: bool) -> ProviderUrl:
        """Where the provider of a row with these values is."""
        if self._simulated_url is not None and self.simulates(slug):
            path = urlsplit(base_url).path.rstrip("/")
            url = f"{self._simulated_url.rstrip('/')}/{slug}{path}"
            return ProviderUrl(url, is_trusted=True, is_simulated=True)
        own = self._base_urls.get(slug)
        if own is not None:
            return ProviderUrl(own.rstrip("/"), is_trusted=True, is_simulated=False)
        return ProviderUrl(base_url.rstrip("/"), is_trusted=is_local, is_simulated=False)


def owner_of(user_id: str | None, provider: Provider) -> Owner:
    """What a key of this user (None: of the platform) at this provider is sealed to.

    The host is that of the provider's row, not of the operator's environment or of a simulated
    provider: a key stored while trying out must work afterwards, and who sets the environment
    holds the vault's key anyway. Raises ValueError where the row's URL cannot be read.
    """
    return Owner(user_id, provider.slug, parse_url(provider.base_url)[0].host)
