"""From a name to deployments: a listed id, `provider/model`, or one that a caller's key opens."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.snapshot import Model, Provider, Snapshot, Tier

UNLISTED = 0
"""The id of a model that is in no row of llm_models."""

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)


def find_models(snapshot: Snapshot, name: str) -> tuple[Model, ...]:
    """Deployments of a name: an exact listed id first, then `provider/model`; empty if unlisted."""
    exact = snapshot.models_by_id.get(name)
    if exact:
        return exact
    slug, slash, rest = name.partition("/")
    if not slash:
        return ()
    return tuple(m for m in snapshot.models_by_id.get(rest, ()) if m.provider.slug == slug)


def find_unlisted(
    snapshot: Snapshot, name: str, request: RoutingRequest, known: KnownModels | None
) -> Model | None:
    """The deployment of an unlisted name at a provider where the caller has a key of their own.

    `provider/model` says which; else the first provider that the price catalog knows it from.
    What it can do is not known, so nothing is held against it.
    """
    slug, slash, rest = name.partition("/")
    named = snapshot.providers_by_slug.get(slug) if slash else None
    if named is not None and rest and request.own_key(named) is not None:
        return _unlisted(named, rest, known.find(slug, rest) if known else None)
    for provider in snapshot.providers:
        if known is not None and request.own_key(provider) is not None:
            found = known.find(provider.slug, name)
            if found is not None:
                return _unlisted(provider, name, found)
    return None


def _unlisted(provider: Provider, model_id: str, known: KnownModel | None) -> Model:
    return Model(
        id=UNLISTED,
        provider=provider,
        model_id=model_id,
        name=model_id,
        description=None,
        power_level=None,
        power_level_priority=0,
        max_tokens=None,
        context_window=known.context_window if known else None,
        supports_streaming=True,
        supports_function_calling=True,
        supports_vision=True,
        supports_json_mode=True,
        price=known.price if known else None,
        price_source=None,
        price_checked_at=None,
        is_active=True,
        is_deprecated=False,
        min_tier=Tier.FREE,
        created_at=_NO_DATE,
    )
