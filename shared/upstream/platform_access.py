"""How the operator pays for a provider: its own key, none needed, a LiteLLM proxy, or simulated."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import NamedTuple

from shared.log import get_logger
from shared.resources import opener
from shared.routing.snapshot import Provider, Snapshot
from shared.settings import (
    PROVIDER_PREFIXES,
    LiteLLMSettings,
    PriceSettings,
    ProviderSettings,
    TryOutSettings,
)
from shared.upstream.platform_keys import PlatformKeys, is_its_own
from shared.upstream.provider_url import SIMULATED_KEY, ProviderUrls

NO_KEY_NEEDED = "none"
"""The auth_type of a provider that asks for no key, as a server of the operator's own may."""


class Way(StrEnum):
    """What a request of the platform's meets at a provider.

    `real`: the provider, with a key, without one where it needs none, or through a LiteLLM proxy.
    `simulated`: made-up answers. `off`: nothing, as there is no key, or the provider is switched
    off; callers may still use keys of their own.
    """

    REAL = "real"
    SIMULATED = "simulated"
    OFF = "off"


class PlatformAccess:
    """The platform's own ways to providers, as this process was started to see them."""

    def __init__(self, *, keys: PlatformKeys, urls: ProviderUrls, has_litellm: bool) -> None:
        self.urls = urls
        self._keys = keys
        self._has_litellm = has_litellm
        self._seen: Snapshot | None = None
        self._keyed: frozenset[str] = frozenset()
        self._withheld: set[str] = set()
        self._simulated = False

    @classmethod
    def from_settings(
        cls,
        providers: ProviderSettings,
        try_out: TryOutSettings,
        litellm: LiteLLMSettings,
        keys: PlatformKeys,
    ) -> PlatformAccess:
        return cls(
            keys=keys,
            urls=ProviderUrls.from_settings(providers, try_out),
            has_litellm=litellm.proxy_url is not None and try_out.simulated_provider_url is None,
        )

    def way_to(self, provider: Provider) -> Way:
        """How the platform's requests get there."""
        if self.urls.simulates(provider):
            return Way.SIMULATED
        is_paid = self.pays_directly(provider) or self.pays_through_litellm(provider)
        return Way.REAL if is_paid and provider.is_active else Way.OFF

    def pays_directly(self, provider: Provider) -> bool:
        """Whether the provider itself can be called: simulated, with a key, or without one."""
        return (
            self.urls.simulates(provider)
            or (self._keys.has(provider) and not self._is_withheld(provider))
            or provider.auth_type == NO_KEY_NEEDED
        )

    def pays_through_litellm(self, provider: Provider) -> bool:
        """Whether the proxy is called in its place. If neither way pays, callers need own keys."""
        knows = self._has_litellm and bool(provider.litellm_prefix)
        return knows and not self.pays_directly(provider)

    def keyed(self, snapshot: Snapshot) -> frozenset[str]:
        """The slugs of the providers that the platform can pay for; remembered for a snapshot."""
        if snapshot is not self._seen:
            simulates = any(self.urls.simulates(one) for one in snapshot.providers)
            if self._simulated and not simulates:
                get_logger().warning("simulation.ended", reason="a platform key was stored")
            self._simulated = simulates
            self._keyed = frozenset(
                one.slug
                for one in snapshot.providers
                if self.pays_directly(one) or self.pays_through_litellm(one)
            )
            self._seen = snapshot
        return self._keyed

    def key_of(self, provider: Provider) -> str | None:
        """What to send to the provider itself; None where it needs none, or there is none.

        A simulated one is sent no real key. One of the environment goes to a host of its own
        provider's, or to the one that the environment names. Raises PlatformKeyRefused for a stored
        key that does not open.
        """
        if self.urls.simulates(provider):
            return SIMULATED_KEY
        if self._is_withheld(provider):
            return None
        key = self._keys.of(provider)
        return None if key is None else key.reveal()

    def _is_withheld(self, provider: Provider) -> bool:
        """Whether the only key is the environment's, and the row's host is not for it."""
        slug = provider.slug
        if provider.sealed_system_key is not None or self._keys.from_environment(slug) is None:
            return False
        if self.urls.names(slug) or is_its_own(slug, provider.base_url):
            return False
        self._note_withheld(slug)
        return True

    def _note_withheld(self, slug: str) -> None:
        if slug not in self._withheld:
            self._withheld.add(slug)
            get_logger().warning(
                "platform_key.withheld",
                provider=slug,
                reason="the base_url of its row is not the provider's own host;"
                f" set {PROVIDER_PREFIXES[slug]}_BASE_URL to send the key there",
            )


@opener
async def open_platform_access(
    providers: ProviderSettings,
    try_out: TryOutSettings,
    litellm: LiteLLMSettings,
    keys: PlatformKeys | None,
) -> AsyncGenerator[PlatformAccess]:
    """Without PlatformKeys it knows which keys there are, and opens none."""
    yield PlatformAccess.from_settings(
        providers, try_out, litellm, keys or PlatformKeys.from_settings(providers, vault=None)
    )


class PricePolicy(NamedTuple):
    """`refuses_unpriced`: the platform pays for no model whose price is not known."""

    refuses_unpriced: bool


@opener
async def open_price_policy(settings: PriceSettings) -> AsyncGenerator[PricePolicy]:
    yield PricePolicy(settings.unpriced_policy == "refuse")
