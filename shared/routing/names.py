"""From a name to the deployments that it means: listed ones, or those that a key opens. Pure.

An exact listed id comes first, then `provider/model` where there is a key of that provider, then,
unlisted, the first of the seven providers that opens it. Aliases come before all of that
(aliases.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.routing.choice import Reason
from shared.routing.deployment import Model, Opens, Provider
from shared.routing.fit import DropReason, RoutingRequest
from shared.routing.groups import Proposal, group_of_name
from shared.routing.open_catalog import is_opened
from shared.routing.snapshot import Snapshot
from shared.wire.providers import SEEDS, provider_of

Meant = list[Proposal]


def find_models(snapshot: Snapshot, name: str) -> tuple[Model, ...]:
    """Listed deployments of a name: an exact id first, then `provider/model`; empty if unlisted."""
    exact = snapshot.models_by_id.get(name)
    if exact:
        return exact
    provider, model_id = named_provider(snapshot, name)
    return _listed_at(snapshot, provider, model_id)


def named_provider(snapshot: Snapshot, name: str) -> tuple[Provider | None, str]:
    """The provider that `name` begins with and the rest of it; None where it names none."""
    slug, slash, rest = name.partition("/")
    provider = snapshot.providers_by_slug.get(slug) if slash and rest else None
    return provider, rest


def meant_by(snapshot: Snapshot, name: str, request: RoutingRequest) -> Meant:
    """What a name is to this caller, best first; empty where nobody knows it.

    What nothing serves is there all the same, to say why: it is `closed`, or does not fit.
    """
    closed: Meant = []
    for some in _usable(snapshot, name, request):
        if some[0].closed is None:
            return some
        closed = closed or some
    return closed or next(iter(_unusable(snapshot, name, request)), closed)


def _usable(snapshot: Snapshot, name: str, request: RoutingRequest) -> Iterator[Meant]:
    """At providers that can be called for this caller."""
    exact = snapshot.models_by_id.get(name, ())
    if any(_has_key(one.provider, request) for one in exact):
        yield group_of_name(exact)
        return
    provider, model_id = named_provider(snapshot, name)
    if provider is not None and _has_key(provider, request):
        listed = _listed_at(snapshot, provider, model_id)
        if listed:
            yield group_of_name(listed)
            return
        if snapshot.open_catalog.find(provider, model_id) is not None:
            yield from _known_at(snapshot, provider, model_id, request)
            return
        yield from _unknown_at(snapshot, provider, model_id, request)
    sellers = [one for one in _seven(snapshot) if _has_key(one, request)]
    known = [some for one in sellers for some in _known_at(snapshot, one, name, request)]
    # Who no longer lists it comes last.
    yield from sorted(known, key=lambda some: some[0].model.is_gone)
    if not any(snapshot.open_catalog.find(one, name) for one in _seven(snapshot)):
        for one in sellers:
            if provider_of(one.slug).sells(name):
                yield from _unknown_at(snapshot, one, name, request)


def _unusable(snapshot: Snapshot, name: str, request: RoutingRequest) -> Iterator[Meant]:
    """At providers that lack a key, or are switched off."""
    listed = find_models(snapshot, name)
    if listed:
        yield group_of_name(listed)
    provider, model_id = named_provider(snapshot, name)
    if provider is not None:
        yield from _known_at(snapshot, provider, model_id, request)
    for one in _seven(snapshot):
        yield from _known_at(snapshot, one, name, request)


def _known_at(
    snapshot: Snapshot, provider: Provider, name: str, request: RoutingRequest
) -> Iterator[Meant]:
    model = snapshot.open_catalog.find(provider, name)
    if model is None:
        return
    listed = snapshot.open_catalog.rows_of(provider, model.model_id)
    if listed:
        yield group_of_name(listed)  # by another spelling
        return
    byok_only = not is_opened(model) and _own(provider, request)
    is_closed = _has_key(provider, request) and not (is_opened(model) or byok_only)
    closed = DropReason.NOT_OPENED if is_closed else None
    yield [Proposal(model, Reason.NAMED, byok_only=byok_only, closed=closed)]


def _unknown_at(
    snapshot: Snapshot, provider: Provider, name: str, request: RoutingRequest
) -> Iterator[Meant]:
    if snapshot.open_catalog.find(provider, name) is not None:
        return
    if provider.opens is Opens.ANY or _own(provider, request):
        model = snapshot.open_catalog.unknown(provider, name)
        yield [Proposal(model, Reason.NAMED, byok_only=not is_opened(model))]


def _own(provider: Provider, request: RoutingRequest) -> bool:
    """Whether the caller's own key at `provider` serves what no row lists."""
    return provider.opens is not Opens.LISTED and request.own_key(provider) is not None


def _has_key(provider: Provider, request: RoutingRequest) -> bool:
    return provider.is_active and (
        provider.slug in request.platform_funded or request.own_key(provider) is not None
    )


def _seven(snapshot: Snapshot) -> Iterator[Provider]:
    """Those of a fresh installation, in its order; any other is named with its models."""
    for slug in SEEDS:
        provider = snapshot.providers_by_slug.get(slug)
        if provider is not None:
            yield provider


def _listed_at(snapshot: Snapshot, provider: Provider | None, model_id: str) -> tuple[Model, ...]:
    if provider is None:
        return ()
    return tuple(
        one for one in snapshot.models_by_id.get(model_id, ()) if one.provider.id == provider.id
    )
