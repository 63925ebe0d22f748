"""Where a deployment is, and with which key: the operator's settings over the provider's row.

A key is rendered into the headers of its own provider's host and of no other.
"""

from __future__ import annotations

from functions.chat_completions.litellm_target import litellm_target
from functions.chat_completions.target import Target
from shared.errors import ProviderUnavailable
from shared.routing.choose import Candidate
from shared.routing.snapshot import Provider, Snapshot
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.origin import parse_url
from shared.upstream.platform_access import PlatformAccess, Way
from shared.wire.dialect import dialect_of


class Targets:
    """The targets of all providers."""

    def __init__(self, *, access: PlatformAccess, litellm: LiteLLMProxy | None) -> None:
        self._access = access
        self._litellm = litellm
        self._known: dict[tuple[str | bool | None, ...], Target] = {}

    def keyed(self, snapshot: Snapshot) -> frozenset[str]:
        """The slugs of the providers that the platform can pay for."""
        return self._access.keyed(snapshot)

    def of(self, candidate: Candidate) -> Target:
        """Raises ProviderUnavailable where the provider's base URL cannot be used."""
        one = candidate.model.provider
        place = (
            *(one.slug, one.base_url, one.dialect),
            *(one.auth_type, one.litellm_prefix, one.is_local),
        )
        target = self._known.get(place)
        if target is None:
            target = self._known[place] = self._make(one)
        return target

    def _make(self, provider: Provider) -> Target:
        try:
            if self._litellm is not None and self._access.way_to(provider) is Way.LITELLM:
                return litellm_target(self._litellm, provider)
            return self._direct(provider)
        except ValueError as error:
            raise ProviderUnavailable(
                provider.slug,
                f"The base URL, dialect or key set for {provider.slug} cannot be used.",
            ) from error

    def _direct(self, provider: Provider) -> Target:
        place = self._access.urls.of(provider)
        dialect = dialect_of(provider.dialect, provider.slug, provider.auth_type)
        origin, path = parse_url(place.url + dialect.path)
        headers = dialect.headers(self._access.key_for(provider.slug, provider.base_url))
        return Target(
            dialect,
            origin,
            path.encode(),
            headers,
            is_simulated=place.is_simulated,
            may_be_private=place.is_trusted,
            speaks_as=provider.slug,
        )
