"""The platform's own key at each provider: the one an admin stored, else the environment's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.errors import PlatformKeyRefused
from shared.routing.snapshot import Provider
from shared.settings import ProviderSettings
from shared.upstream.provider_url import owner_of
from shared.vault.owner import NotOpened
from shared.vault.secret import SecretText

if TYPE_CHECKING:
    # It loads cryptography, which functions without a vault do not install.
    from shared.vault.sealing import Vault


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
