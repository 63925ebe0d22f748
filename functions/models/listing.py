"""What a caller can ask for by name now, each name once; what else there is, with why not. Pure.

A name in the list means what it means in a completion: levels and exact aliases come first, then
listed ids, then models that a key opens. Of several deployments of one id the first usable one, in
the order of the providers, has the plain id; each other stands as `provider/id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shared.errors import SwitchyardError
from shared.routing.allowed import allows, may_ask
from shared.routing.choose import choose
from shared.routing.deployment import Kind, Model, Opens, Provider
from shared.routing.fit import DropReason, RoutingRequest, why_unfit
from shared.routing.names import meant_by
from shared.routing.open_catalog import UNLISTED, is_opened
from shared.routing.snapshot import Snapshot
from shared.routing.unserved import NOT_A_CHAT_MODEL
from shared.wire.providers import SEEDS


class Source(StrEnum):
    """What a name is: a level, an alias, a row of llm_models, or in the price catalog alone."""

    LEVEL = "level"
    ALIAS = "alias"
    LISTED = "listed"
    CATALOG = "catalog"


class Entry(NamedTuple):
    """`model` is None for a level and an alias; `why_not` None where it can be used now."""

    id: str
    source: Source
    model: Model | None
    why_not: str | None


def entries(snapshot: Snapshot, request: RoutingRequest, *, all_of_it: bool) -> list[Entry]:
    """`request` says who asks: tier, allowed models and keys. `all_of_it`: unusable ones too."""
    return list(_Listing(snapshot, request).made(all_of_it=all_of_it))


def entry_of(snapshot: Snapshot, request: RoutingRequest, name: str) -> Entry | None:
    """What `name` is to who asks; None where nobody knows it."""
    if name in snapshot.levels_by_name:
        return Entry(name, Source.LEVEL, None, why_name_unserved(snapshot, request, name))
    if snapshot.aliases.meaning(name, "") is not None:
        return Entry(name, Source.ALIAS, None, why_name_unserved(snapshot, request, name))
    proposals = meant_by(snapshot, name, request)
    if not proposals:
        return None
    models = [one.model for one in proposals]
    found = next((one for one in models if why_unusable(one, request) is None), models[0])
    source = Source.CATALOG if found.id == UNLISTED else Source.LISTED
    return Entry(name, source, found, why_unusable(found, request))


def why_name_unserved(snapshot: Snapshot, request: RoutingRequest, name: str) -> str | None:
    """Why a completion that names it, or embeddings, would be refused; None where one would not."""
    meaning = snapshot.aliases.meaning(name, "")
    names = (name,) if meaning is None else meaning.names
    allowed = request.allowed_models
    if meaning is not None and allowed is not None and may_ask(allowed, name):
        allowed |= frozenset(names)
    asking = _asking(request, names, allowed)
    refused = _refusal(snapshot, asking)
    if refused != NOT_A_CHAT_MODEL:
        return refused
    return _refusal(snapshot, msgspec.structs.replace(asking, kind=Kind.EMBEDDING))


def _refusal(snapshot: Snapshot, asking: RoutingRequest) -> str | None:
    try:
        choose(snapshot, asking, enough=1)
    except SwitchyardError as error:
        return error.code
    return None


def why_unusable(model: Model, request: RoutingRequest) -> str | None:
    """Why the caller cannot use a deployment, as the router says it; None where they can."""
    gone = DropReason.GONE if model.is_gone else None
    if model.kind is Kind.EMBEDDING:
        request = msgspec.structs.replace(request, kind=Kind.EMBEDDING)
    reason = why_unfit(model, request) or _closed(model, request) or gone
    return None if reason is None else reason.value


class _Listing:
    def __init__(self, snapshot: Snapshot, request: RoutingRequest) -> None:
        self._snapshot = snapshot
        self._request = request
        self._judge = _judge(request)
        self._taken: set[str] = set()

    def made(self, *, all_of_it: bool) -> Iterator[Entry]:
        names = [one.name for one in self._snapshot.levels], list(self._snapshot.aliases.exact)
        for source, some in zip((Source.LEVEL, Source.ALIAS), names, strict=True):
            for name in some:
                self._taken.add(name)
                why_not = why_name_unserved(self._snapshot, self._request, name)
                if why_not is None or all_of_it:
                    yield Entry(name, source, None, why_not)
        rest: list[tuple[Model, str]] = []
        for model in self._models():
            why_not = self._judge(model)
            if why_not is None:
                entry = self._entry(model, None)
                if entry is not None:
                    yield entry
            elif all_of_it:
                rest.append((model, why_not))
        for model, why_not in rest:
            entry = self._entry(model, why_not)
            if entry is not None:
                yield entry

    def _models(self) -> Iterator[Model]:
        yield from sorted(self._snapshot.models, key=_seed_order)
        for slug in SEEDS:
            provider = self._snapshot.providers_by_slug.get(slug)
            if provider is not None:
                yield from self._snapshot.open_catalog.unlisted_at(provider)

    def _entry(self, model: Model, why_not: str | None) -> Entry | None:
        """None where both of its names mean another: a row that is there twice."""
        long = f"{model.provider.slug}/{model.model_id}"
        name = model.model_id if model.model_id not in self._taken else long
        if name in self._taken:
            return None
        # `provider/id` is this model, whatever else has that text for its id.
        self._taken.update((name, long))
        source = Source.CATALOG if model.id == UNLISTED else Source.LISTED
        return Entry(name, source, model, why_not)


def _judge(request: RoutingRequest) -> Callable[[Model], str | None]:
    """`why_unusable` for many models: asked once for all that cannot differ in it."""
    as_allowed = _asking(request, (), None)
    allowed = request.allowed_models
    found: dict[tuple[object, ...], str | None] = {}

    def judge(model: Model) -> str | None:
        is_open = is_opened(model) if model.id == UNLISTED else None
        shape = (model.min_tier, model.kind, is_open, model.is_gone, model.price is None)
        like = (model.provider.id, model.is_active, *shape)
        if like not in found:
            found[like] = why_unusable(model, as_allowed)
        if allowed is not None and not allows(allowed, model.provider.slug, model.model_id):
            return DropReason.NOT_ALLOWED_FOR_TOKEN.value
        return found[like]

    return judge


def _closed(model: Model, request: RoutingRequest) -> DropReason | None:
    """Why what no row lists is not served: neither the platform's key nor an own one opens it."""
    if model.id != UNLISTED:
        return None
    provider: Provider = model.provider
    if is_opened(model) and provider.slug in request.platform_funded:
        return None
    is_own = provider.opens is not Opens.LISTED and request.own_key(provider) is not None
    return None if is_own else DropReason.NOT_OPENED


def _asking(
    request: RoutingRequest, names: tuple[str, ...], allowed: frozenset[str] | None
) -> RoutingRequest:
    return RoutingRequest(
        models=names,
        level=None,
        tier=request.tier,
        platform_funded=request.platform_funded,
        own_keys=request.own_keys,
        allowed_models=allowed,
        refuses_unpriced=request.refuses_unpriced,
    )


def _seed_order(model: Model) -> tuple[int, int]:
    return (model.provider.id, model.id)
