"""The platform's own key at each provider: the one an admin stored, else the environment's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.errors import PlatformKeyRefused
from shared.routing.snapshot import Provider
from shared.settings import ProviderSettings
from shared.upstream.origin import parse_url
from shared.upstream.provider_url import owner_of
from shared.vault.owner import NotOpened
from shared.vault.secret import SecretText
from shared.wire.providers import KNOWN

if TYPE_CHECKING:
    # It loads cryptography, which functions without a vault do not install.
    from shared.vault.sealing import Vault

_HOSTS = {
    slug: one.other_hosts | {parse_url(one.seed.base_url)[0].host}
    for slug, one in KNOWN.items()
    if one.seed is not None
}


class PlatformKeys:
    """`vault` None, in a function that is deployed without one: stored keys stay closed."""

    def __init__(self, environment: Mapping[str, SecretStr], vault: Vault | None) -> None:
        self._environment = {
            slug: SecretText(key.get_secret_value()) for slug, key in environment.items()
        }
        self._vault = vault

    @classmethod
    def from_settings(cls, providers: ProviderSettings, vault: Vault | None) -> PlatformKeys:
        return cls(providers.api_keys(), vault)

    def has(self, provider: Provider) -> bool:
        return provider.sealed_system_key is not None or provider.slug in self._environment

    def of(self, provider: Provider) -> SecretText | None:
        """The key, None where there is none. About 20 us where one is stored: keep the answer.

        Raises PlatformKeyRefused for a stored key that does not open: to go on with the
        environment's would be to spend from another account than the admin chose.
        """
        if provider.sealed_system_key is None:
            return self._environment.get(provider.slug)
        try:
            return self._open(provider, provider.sealed_system_key)
        except (NotOpened, ValueError) as error:
            raise PlatformKeyRefused(
                provider.slug,
                f"The platform's stored key for {provider.name} does not open;"
                " an admin has to store it again.",
            ) from error

    def from_environment(self, slug: str) -> SecretText | None:
        """What counts where an admin has stored none."""
        return self._environment.get(slug)

    def _open(self, provider: Provider, sealed: str) -> SecretText:
        if self._vault is None:
            raise ValueError("this function was deployed without the vault")
        return self._vault.open(owner_of(None, provider), sealed)


def is_its_own(slug: str, url: str) -> bool:
    """Whether `url` is at this provider's documented host, or below it (`eu.api.openai.com`).

    To no other may a platform key of the operator's environment go: the row's base URL can be
    changed by an admin, and the key was given for the provider itself (CVE-2026-41487). For any
    other host the operator names it in the environment too, as OPENAI_BASE_URL and its kin.
    """
    try:
        origin, _ = parse_url(url)
    except ValueError:
        return False
    hosts = _HOSTS.get(slug, frozenset())
    return origin.scheme == "https" and any(
        origin.host == host or origin.host.endswith("." + host) for host in hosts
    )
