"""Where a deployment is, and with which key: the caller's own, else the platform's.

A key is rendered into the headers of its own provider's host and of no other.
"""

from __future__ import annotations

from functions.chat_completions.litellm_target import litellm_target
from functions.chat_completions.target import Target
from shared.auth.own_keys import StoredKey, open_own_key
from shared.errors import ProviderUnavailable
from shared.routing.choose import Candidate
from shared.routing.snapshot import Provider, Snapshot
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.origin import parse_url
from shared.upstream.platform_access import PlatformAccess
from shared.vault.sealing import Vault
from shared.wire.dialect import dialect_of

MAX_OWN = 20_000
"""Targets with a caller's own key in them, in clear, that are kept for the next request."""


class Targets:
    """The targets of all providers, each made when first asked for."""

    def __init__(
        self, *, access: PlatformAccess, litellm: LiteLLMProxy | None, vault: Vault
    ) -> None:
        self._access = access
        self._litellm = litellm
        self._vault = vault
        self._known: dict[tuple[str | bool | None, ...], Target] = {}
        self._own: dict[tuple[str | bool, ...], Target] = {}

    def keyed(self, snapshot: Snapshot) -> frozenset[str]:
        """The slugs of the providers that the platform can pay for."""
        return self._access.keyed(snapshot)

    def of(self, candidate: Candidate) -> Target:
        """Raises ProviderUnavailable where the provider's base URL cannot be used.

        And StoredKeyUnreadable, StoredKeyHostChanged or PlatformKeyRefused for a stored key that
        does not open.
        """
        one, key = candidate.model.provider, candidate.key
        if isinstance(key, StoredKey):
            return self._of_own(one, key)
        place = (
            *(one.slug, one.base_url, one.dialect, one.sealed_system_key),
            *(one.auth_type, one.litellm_prefix, one.is_local),
        )
        target = self._known.get(place)
        if target is None:
            target = self._known[place] = self._make(one)
        return target

    def forget_own(self) -> None:
        """Drop every caller's opened key: the table has changed."""
        self._own.clear()

    def _of_own(self, one: Provider, key: StoredKey) -> Target:
        # By the user and the sealed text, not by an id: what is found here is never another's.
        place = (key.sealed, key.user_id, one.slug, one.base_url, one.dialect, one.is_local)
        target = self._own.get(place)
        if target is None:
            opened = open_own_key(self._vault, key.user_id, key.sealed, one)
            if len(self._own) >= MAX_OWN:
                del self._own[next(iter(self._own))]
            target = self._own[place] = self._make(one, opened.reveal())
        return target

    def _make(self, provider: Provider, own_key: str | None = None) -> Target:
        try:
            if own_key is not None:
                return self._direct(provider, own_key)
            if self._litellm is not None and self._access.pays_through_litellm(provider):
                return litellm_target(self._litellm, provider)
            return self._direct(provider, self._access.key_of(provider))
        except ValueError as error:
            raise ProviderUnavailable(
                provider.slug,
                f"The base URL, dialect or key set for {provider.slug} cannot be used.",
            ) from error

    def _direct(self, provider: Provider, key: str | None) -> Target:
        place = self._access.urls.of(provider)
        dialect = dialect_of(provider.dialect, provider.slug, provider.auth_type)
        origin, path = parse_url(place.url + dialect.path)
        headers = dialect.headers(key)
        return Target(
            dialect,
            origin,
            path.encode(),
            headers,
            is_simulated=place.is_simulated,
            may_be_private=place.is_trusted,
            speaks_as=provider.slug,
        )
