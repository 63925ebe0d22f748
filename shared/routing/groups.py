"""The deployments that a request may be served by, group by group, best group first. Pure.

A power level: the models that its rules name; its fallback rules; then, as far as the level's
`fallback` goes, other models of the level and the providers' defaults for it; the others under its
price ceiling. Names: each name a group of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from shared.routing.choice import Candidate, Reason
from shared.routing.deployment import Opens
from shared.routing.fit import DropReason, RoutingRequest
from shared.routing.levels import tier_met
from shared.routing.open_catalog import UNLISTED, is_opened
from shared.routing.own_keys import UsePolicy
from shared.routing.snapshot import (
    Fallback,
    Model,
    PowerLevel,
    Rule,
    Snapshot,
    is_unwell,
    rule_rank,
)
from shared.wire.providers import SEEDS, provider_of

Rank = tuple[int, ...]
"""Equal ranks within a group are on a par, and may be told apart by weight."""


class Proposal(msgspec.Struct, frozen=True):
    """A deployment that may serve; `rank` orders it among the others of its group and payer.

    `ceiling`: the level whose price ceiling holds. `byok_only`: with the caller's own key alone.
    `closed`: why it serves nobody, whatever is asked of it.
    """

    model: Model
    reason: Reason
    rank: Rank = ()
    rule: Rule | None = None
    ceiling: PowerLevel | None = None
    byok_only: bool = False
    closed: DropReason | None = None


Group = Iterable[Proposal]
"""Best first. It may be long: nothing more of it is read than is needed."""


def groups_of_level(
    snapshot: Snapshot, level: PowerLevel, request: RoutingRequest, *, over_ceiling: bool = False
) -> Iterator[Group]:
    """`over_ceiling`: also what is too dear, only to be dropped for it."""
    rules = snapshot.rules_by_level.get(level.name, ())
    yield _of_rules(rules, Reason.RULE, request)
    yield _of_rules(rules, Reason.FALLBACK_RULE, request)
    if level.fallback is Fallback.RULES:
        return
    yield _Lazy(snapshot.models_by_level.get(level.name, ()), Reason.SAME_LEVEL)
    yield _defaults(snapshot, level)
    if level.fallback is Fallback.ANY:
        models = snapshot.models_dearest_first
        # Dearest first: what is above the ceiling is at the front and need not be looked at.
        first = bisect_left(models, -level.price_ceiling, key=lambda one: -_blended(one))
        yield _Lazy(models, Reason.OTHER_LEVEL, level, 0 if over_ceiling else first)


def _defaults(snapshot: Snapshot, level: PowerLevel) -> Iterator[Proposal]:
    """The model of each provider that serves the level where no listed one can, in seed order.

    As the row has it where one lists it; else as the provider's row opens its models.
    """
    for rank, slug in enumerate(SEEDS):
        provider = snapshot.providers_by_slug.get(slug)
        model_id = provider_of(slug).level_defaults.get(level.name)
        if provider is None or model_id is None:
            continue
        catalog = snapshot.open_catalog
        known = catalog.find(provider, model_id)
        found = catalog.rows_of(provider, model_id) or ([] if known is None else [known])
        for model in found:
            is_open = model.id != UNLISTED or is_opened(model)
            closed = (
                None if is_open or provider.opens is not Opens.LISTED else DropReason.NOT_OPENED
            )
            yield Proposal(
                model, Reason.DEFAULT, (rank,), ceiling=level, byok_only=not is_open, closed=closed
            )


def group_of_name(models: Sequence[Model]) -> list[Proposal]:
    """Several providers of one name: in the order of the providers, the healthy ones first."""
    return _by_rank(Proposal(one, Reason.NAMED, (is_unwell(one),)) for one in models)


def candidates_of(group: Group, request: RoutingRequest) -> Iterator[tuple[Proposal, Candidate]]:
    """A group's proposals with who pays: own keys of `prefer` and `only` first, `last_resort` last.

    The platform stands behind the caller's own key at its provider, never beside one of `only`.
    """
    if not request.own_keys:
        for one in group:
            if not one.byok_only:
                yield one, Candidate(one.model, one.reason, rule=one.rule)
        return
    group = list(group)
    keys = [request.own_key(one.model.provider) for one in group]
    for one, key in zip(group, keys, strict=True):
        if key is not None and key.policy is not UsePolicy.LAST_RESORT:
            yield one, Candidate(one.model, one.reason, key, one.rule)
    for one, key in zip(group, keys, strict=True):
        is_open = key is None or key.policy is not UsePolicy.ONLY
        if (
            is_open
            and not one.byok_only
            and (key is None or one.model.provider.slug in request.platform_funded)
        ):
            yield one, Candidate(one.model, one.reason, rule=one.rule)
    for one, key in zip(group, keys, strict=True):
        if key is not None and key.policy is UsePolicy.LAST_RESORT:
            yield one, Candidate(one.model, one.reason, key, one.rule)


class _Lazy:
    """Models in an order they are already in, as proposals made when they are looked at."""

    def __init__(
        self,
        models: Sequence[Model],
        reason: Reason,
        level: PowerLevel | None = None,
        start: int = 0,
    ) -> None:
        self._models = models
        self._reason = reason
        self._level = level
        self._start = start

    def __iter__(self) -> Iterator[Proposal]:
        models, level = self._models, self._level
        for rank in range(self._start, len(models)):
            model = models[rank]
            if level is None or model.power_level != level.name:
                yield Proposal(model, self._reason, (rank,), ceiling=level)


def _by_rank(proposals: Iterable[Proposal]) -> list[Proposal]:
    return sorted(proposals, key=lambda one: one.rank)


def _of_rules(rules: Sequence[Rule], reason: Reason, request: RoutingRequest) -> Iterator[Proposal]:
    """In the order of the snapshot, and none is looked at before it is needed."""
    of_fallback = reason is Reason.FALLBACK_RULE
    for rule in rules:
        if rule.is_fallback is of_fallback and _rule_met(rule, request):
            yield Proposal(rule.model, reason, rule_rank(rule), rule, byok_only=rule.requires_byok)


def _rule_met(rule: Rule, request: RoutingRequest) -> bool:
    return (
        tier_met(rule, request.tier)
        and rule.task_type in (None, request.task_type)
        and (rule.min_tokens is None or request.prompt_tokens >= rule.min_tokens)
        and (rule.max_tokens is None or request.prompt_tokens <= rule.max_tokens)
        and not (rule.requires_byok and request.own_key(rule.model.provider) is None)
    )


def _blended(model: Model) -> int:
    return 0 if model.price is None else model.price.base.blended
