"""Where a provider is and how it is spoken to: the only place that reads its row for that.

The operator's environment says where over the row, and a simulated provider over both.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from shared.errors import InvalidField
from shared.routing.snapshot import Provider
from shared.settings import PROVIDER_PREFIXES, ProviderSettings, TryOutSettings
from shared.upstream.address import is_public
from shared.upstream.origin import parse_url
from shared.vault.owner import Owner
from shared.wire.dialect import Dialect, dialect_of

SIMULATED_KEY = "simulated"
"""What the simulated provider is sent where a provider's own key would go."""


class Endpoint(msgspec.Struct, frozen=True):
    """`url` has the version segment, and no slash at its end. `is_trusted`: the operator's own
    environment or its row marked local named it, so that it may be at a private address.
    `is_own`: it is a server of the operator's own, by its row, or the simulated one.
    """

    slug: str
    url: str
    dialect: Dialect
    is_trusted: bool
    is_simulated: bool
    is_own: bool


class ProviderUrls:
    """The base URL of each provider as this process was started to see it."""

    def __init__(self, *, base_urls: Mapping[str, str], simulated_url: str | None) -> None:
        self._base_urls = base_urls
        self._simulated_url = simulated_url

    @classmethod
    def from_settings(cls, providers: ProviderSettings, try_out: TryOutSettings) -> ProviderUrls:
        return cls(base_urls=providers.base_urls(), simulated_url=try_out.simulated_provider_url)

    def simulates(self, provider: Provider) -> bool:
        """Whether a simulated provider stands in: only for the built-in ones, and only as long as
        the platform has no real key."""
        return (
            self._simulated_url is not None
            and provider.may_be_simulated
            and provider.slug in PROVIDER_PREFIXES
        )

    def names(self, slug: str) -> bool:
        """Whether the operator's environment says where this provider is."""
        return slug in self._base_urls

    def of(self, provider: Provider) -> Endpoint:
        """Raises ValueError for a dialect that we do not speak."""
        slug, url, is_trusted = provider.slug, provider.base_url, provider.is_local
        is_simulated = self.simulates(provider)
        if is_simulated and self._simulated_url is not None:
            url = f"{self._simulated_url.rstrip('/')}/{slug}{urlsplit(url).path}"
            is_trusted = True
        elif slug in self._base_urls:
            url, is_trusted = self._base_urls[slug], True
        dialect = dialect_of(provider.dialect, slug, provider.auth_type)
        is_own = provider.is_local or is_simulated
        return Endpoint(slug, url.rstrip("/"), dialect, is_trusted, is_simulated, is_own)


class Place(msgspec.Struct, frozen=True):
    """What a key is sealed to; and what a release, or the same row when it was marked otherwise,
    sealed to that is no other place.
    """

    sealed_to: str
    earlier: str | None


def place_of(base_url: str, *, is_local: bool) -> Place:
    """The host, by https alone; of a provider marked local the scheme, host and port.

    Raises ValueError for a URL that cannot be read, and for plain http to one that is not local:
    no key goes there. Earlier releases sealed to the bare host, whatever the scheme and port were:
    that opens by https, and at hosts that can only be the operator's own.
    """
    origin, _ = parse_url(base_url)
    full = f"{origin.scheme}://{origin.host}:{origin.port}"
    if is_local:
        is_safe = origin.scheme == "https" or _is_own(origin.host)
        return Place(full, origin.host if is_safe else None)
    if origin.scheme != "https":
        raise ValueError("a key must not go out by plain http unless the provider is local")
    return Place(origin.host, full)


def _is_own(host: str) -> bool:
    """Whether it can be nothing on the Internet: a private address, or a name without a dot."""
    try:
        return not is_public(host)
    except ValueError:
        return "." not in host


def owner_of(user_id: str | None, provider: Provider) -> Owner:
    """What a key of this user (None: of the platform) at this provider is sealed to.

    The place is that of the provider's row, not of the operator's environment or of a simulated
    provider: a key stored while trying out must work afterwards, and who sets the environment
    holds the vault's key anyway. Raises ValueError as `place_of`.
    """
    place = place_of(provider.base_url, is_local=provider.is_local)
    return Owner(user_id, provider.slug, place.sealed_to, place.earlier)


def owner_to_store(user_id: str | None, provider: Provider) -> Owner:
    """`owner_of`, before a key is sent or sealed. Raises InvalidField."""
    try:
        return owner_of(user_id, provider)
    except ValueError as error:
        raise InvalidField(
            f"No key can be stored for {provider.name}: {error}.",
            param="provider",
            code="provider_takes_no_keys",
        ) from error
