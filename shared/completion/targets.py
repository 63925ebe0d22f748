"""Where a deployment is, and with which key: the caller's own, else the platform's.

A key is rendered into the headers of its own provider's host and of no other.
"""

from __future__ import annotations

import msgspec

from shared.auth.own_keys import StoredKey, open_own_key
from shared.errors import PlatformKeyRefused, ProviderUnavailable, StoredKeyUnreadable
from shared.routing.choice import Candidate
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Provider
from shared.upstream.litellm import SLUG, LiteLLMProxy
from shared.upstream.origin import Origin, parse_url
from shared.upstream.platform_access import PlatformAccess
from shared.vault.sealing import Vault
from shared.wire.dialect import Dialect

MAX_OWN = 20_000
"""Targets with a caller's own key in them, in clear, that are kept for the next request."""


class Target(msgspec.Struct, frozen=True):
    """`target` is the request path, `headers` are header lines with the credential in them.

    `speaks_as` is the slug whose refusals the answer has; `model_prefix` stands before the model's
    id on the way out; `via` names a proxy between us and the provider;
    `may_be_private` and `goes_direct` are those of `UpstreamRequest`.
    """

    dialect: Dialect
    origin: Origin
    target: bytes
    headers: bytes
    is_simulated: bool
    may_be_private: bool
    goes_direct: bool
    speaks_as: str
    model_prefix: str = ""
    via: str | None = None

    def at(self, path: str) -> bytes:
        """The request path of another of the provider's endpoints than the dialect's."""
        return self.target.removesuffix(self.dialect.path.encode()) + path.encode()

    def __repr__(self) -> str:
        return f"Target({self.origin.host})"


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

    def of(self, candidate: Candidate) -> Target:
        """Raises what `to` raises."""
        return self.to(candidate.model.provider, candidate.key)

    def to(self, provider: Provider, key: OwnKey | None) -> Target:
        """Raises ProviderUnavailable where the provider's base URL cannot be used.

        And StoredKeyUnreadable, StoredKeyHostChanged or PlatformKeyRefused for a stored key that
        does not open.
        """
        if isinstance(key, StoredKey):
            return self._of_own(provider, key)
        seen = (*_facts(provider), provider.sealed_system_key, provider.litellm_prefix)
        target = self._known.get(seen)
        if target is None:
            target = self._known[seen] = self._make(provider)
        return target

    async def opened(self, candidate: Candidate) -> Target:
        """Raises what `opened_to` raises."""
        return await self.opened_to(candidate.model.provider, candidate.key)

    async def opened_to(self, provider: Provider, key: OwnKey | None) -> Target:
        """`to`, with a ring read again where a stored key does not open with the one there is."""
        try:
            return self.to(provider, key)
        except (StoredKeyUnreadable, PlatformKeyRefused):
            if not await self._vault.reader.learn():
                raise
            return self.to(provider, key)

    def forget_own(self) -> None:
        """Drop every caller's opened key: the table has changed."""
        self._own.clear()

    def _of_own(self, provider: Provider, key: StoredKey) -> Target:
        # By the user and the sealed text, not by an id: what is found here is never another's.
        seen = (*_facts(provider), key.sealed, key.user_id)
        target = self._own.get(seen)
        if target is None:
            opened = open_own_key(self._vault, key.user_id, key.sealed, provider)
            if len(self._own) >= MAX_OWN:
                del self._own[next(iter(self._own))]
            target = self._own[seen] = self._make(provider, opened.reveal(), key.id)
        return target

    def _make(self, provider: Provider, own_key: str | None = None, key_id: int = 0) -> Target:
        try:
            if own_key is not None:
                return self._direct(provider, own_key, key_id)
            if self._litellm is not None and self._access.pays_through_litellm(provider):
                return _through(self._litellm, provider)
            return self._direct(provider, self._access.key_of(provider))
        except ValueError as error:
            raise ProviderUnavailable(
                provider.slug,
                f"The base URL, dialect or key set for {provider.slug} cannot be used.",
            ) from error

    def _direct(self, provider: Provider, key: str | None, key_id: int = 0) -> Target:
        endpoint = self._access.urls.of(provider)
        account = account_of(provider.slug, key_id)
        dialect = msgspec.structs.replace(endpoint.dialect, account=account)
        origin, path = parse_url(endpoint.url + dialect.path)
        return Target(
            dialect,
            origin,
            path.encode(),
            dialect.headers(key),
            is_simulated=endpoint.is_simulated,
            may_be_private=endpoint.is_trusted,
            goes_direct=endpoint.is_own,
            speaks_as=provider.slug,
        )


def account_of(slug: str, key_id: int) -> str:
    """What a provider keeps is found by this again; `key_id` 0: by the platform's key."""
    return f"{slug}:{key_id}"


def _facts(provider: Provider) -> tuple[str | bool, ...]:
    """All that a target is made of beside its key: where one of them changes, it is made again."""
    return (
        *(provider.slug, provider.base_url, provider.dialect),
        *(provider.auth_type, provider.is_local, provider.may_be_simulated),
    )


def _through(proxy: LiteLLMProxy, provider: Provider) -> Target:
    """Where the operator's LiteLLM proxy calls the provider for us."""
    return Target(
        proxy.dialect,
        proxy.origin,
        proxy.target,
        proxy.headers,
        is_simulated=False,
        may_be_private=True,
        goes_direct=True,
        speaks_as=SLUG,
        model_prefix=f"{provider.litellm_prefix}/",
        via=SLUG,
    )
