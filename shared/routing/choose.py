"""Which deployments may serve a request, in which order, and why each other one may not. Pure.

The order of a power level: the models that its rules name, by priority; its fallback rules, in
their order; other active models of the level; then, where the level may change, other models under
its price ceiling, dearest first. A provider that is down comes after one that is not; if all are
down, health is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from shared.errors import InvalidField, NotAllowed, SwitchyardError, UnknownModel
from shared.pricing.cost import blended
from shared.routing.fit import Drop, Want, unfit
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Health, Model, PowerLevel, Rule, Snapshot, Tier

AUTO = "auto"
DEFAULT_LEVEL = "balanced"
ALL_TASKS = None


class Reason(StrEnum):
    """Why a model is a candidate, at its place."""

    NAMED = "named"
    RULE = "rule"
    FALLBACK_RULE = "fallback_rule"
    SAME_LEVEL = "same_level"
    OTHER_LEVEL = "other_level"


class Candidate(msgspec.Struct, frozen=True):
    """`key` is the caller's own key that pays for it; None: the platform's."""

    model: Model
    reason: Reason
    key: OwnKey | None = None


class Dropped(msgspec.Struct, frozen=True):
    model: Model
    reason: Drop


class Choice(msgspec.Struct, frozen=True):
    """Candidates in the order to try; `level` is None where the caller named models.

    `ignores_health`: every candidate's provider is down, and they are tried all the same.
    """

    level: PowerLevel | None
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]
    ignores_health: bool = False


def choose(snapshot: Snapshot, want: Want) -> Choice:
    """Raises UnknownModel, InvalidField (`power_level`) or NotAllowed when nothing can serve."""
    level = None
    names = tuple(name for name in want.models if name != AUTO)
    if names and names[0] in snapshot.levels_by_name:
        level, names = snapshot.levels_by_name[names[0]], ()
    if names:
        proposals = _named(snapshot, names)
    else:
        level = level or _level(snapshot, want)
        proposals = _for_level(snapshot, level, want)
    candidates: list[Candidate] = []
    dropped: list[Dropped] = []
    seen: set[int] = set()
    for proposal in proposals:
        if proposal.model.id in seen:
            continue
        seen.add(proposal.model.id)
        ceiling = level if proposal.reason is Reason.OTHER_LEVEL else None
        reason = unfit(proposal.model, want, ceiling)
        if reason is None:
            candidates += _payers(proposal, want)
        else:
            dropped.append(Dropped(proposal.model, reason))
    if not candidates:
        raise _nobody(level, dropped, want)
    ordered, ignores_health = _healthy_first(candidates)
    return Choice(level, ordered, tuple(dropped), ignores_health)


def _payers(proposal: Candidate, want: Want) -> Iterator[Candidate]:
    """The caller's own key alone where there is one: the platform pays only by consent."""
    slug = proposal.model.provider.slug
    own = [key for key in want.own_keys if key.provider == slug]
    for key in own:
        yield msgspec.structs.replace(proposal, key=key)
    if not own:
        yield proposal


def level_allowed(snapshot: Snapshot, level: str, tier: Tier) -> bool:
    """Whether `tier` may use `level`: a rule of the level is met, or it has no rules at all."""
    rules = snapshot.rules_by_level.get(level, ())
    return not rules or any(_tier_met(rule, tier) for rule in rules)


def _level(snapshot: Snapshot, want: Want) -> PowerLevel:
    """The level that was asked for; else balanced, or the highest below it that the tier allows."""
    if want.level is not None and want.level != AUTO:
        level = snapshot.levels_by_name.get(want.level)
        if level is None:
            known = ", ".join(one.name for one in snapshot.levels)
            raise InvalidField(
                f"There is no power level of that name; use one of: {known}, {AUTO}.",
                param="power_level",
            )
        if not level_allowed(snapshot, level.name, want.tier):
            raise _level_refused(snapshot, level, want.tier)
        return level
    default = snapshot.levels_by_name.get(DEFAULT_LEVEL)
    highest = default.rank if default else max(one.rank for one in snapshot.levels)
    for level in reversed(snapshot.levels):
        if level.rank <= highest and level_allowed(snapshot, level.name, want.tier):
            return level
    raise NotAllowed(
        f"No power level is open to the {want.tier} tier.",
        param="power_level",
        code="tier_not_allowed",
    )


def _level_refused(snapshot: Snapshot, level: PowerLevel, tier: Tier) -> NotAllowed:
    needed = min(
        (rule.tier for rule in snapshot.rules_by_level[level.name] if rule.tier is not None),
        key=lambda one: one.rank,
    )
    return NotAllowed(
        f"Power level '{level.name}' needs the {needed} tier or a higher one; "
        f"this token's tier is {tier}.",
        param="power_level",
        code="tier_not_allowed",
    )


def _named(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[Candidate]:
    for name in names:
        models = find_models(snapshot, name)
        if not models:
            raise UnknownModel(
                f"The model '{name[:100]}' does not exist; GET /v1/models lists those that do.",
                param="model",
            )
        for model in models:
            yield Candidate(model, Reason.NAMED)


def find_models(snapshot: Snapshot, name: str) -> tuple[Model, ...]:
    """Deployments of a name: an exact listed id first, then `provider/model`; empty if unlisted."""
    exact = snapshot.models_by_id.get(name)
    if exact:
        return exact
    slug, slash, rest = name.partition("/")
    if not slash:
        return ()
    return tuple(m for m in snapshot.models_by_id.get(rest, ()) if m.provider.slug == slug)


def _for_level(snapshot: Snapshot, level: PowerLevel, want: Want) -> Iterator[Candidate]:
    for rule in snapshot.rules_by_level.get(level.name, ()):
        if _rule_met(rule, want):
            reason = Reason.FALLBACK_RULE if rule.is_fallback else Reason.RULE
            yield Candidate(rule.model, reason)
    for model in snapshot.models_by_level.get(level.name, ()):
        yield Candidate(model, Reason.SAME_LEVEL)
    if level.may_change_level:
        for model in sorted(snapshot.models, key=_dearest_first):
            if model.power_level != level.name:
                yield Candidate(model, Reason.OTHER_LEVEL)


def _rule_met(rule: Rule, want: Want) -> bool:
    return (
        _tier_met(rule, want.tier)
        and rule.task_type in (ALL_TASKS, want.task_type)
        and (rule.min_tokens is None or want.prompt_tokens >= rule.min_tokens)
        and (rule.max_tokens is None or want.prompt_tokens <= rule.max_tokens)
        and not rule.requires_byok
    )


def _tier_met(rule: Rule, tier: Tier) -> bool:
    return rule.tier is None or tier.meets(rule.tier)


def _healthy_first(candidates: list[Candidate]) -> tuple[tuple[Candidate, ...], bool]:
    up = [one for one in candidates if one.model.provider.health is not Health.DOWN]
    down = [one for one in candidates if one.model.provider.health is Health.DOWN]
    return (*up, *down), not up


def _dearest_first(model: Model) -> tuple[int, int]:
    return (-blended(model.price.base) if model.price else 0, model.id)


_FIELD_AT_FAULT = {
    Drop.NOT_LOCAL: "privacy_required",
    Drop.NO_STREAMING: "stream",
    Drop.NO_TOOLS: "tools",
    Drop.NO_VISION: "messages",
    Drop.NO_JSON_MODE: "response_format",
    Drop.OVER_MAX_COST: "max_cost_usd",
    Drop.UNPRICED: "max_cost_usd",
}


def _nobody(level: PowerLevel | None, dropped: Iterable[Dropped], want: Want) -> SwitchyardError:
    """The error for a request that no model fits, naming what stood in the way of the first."""
    first = next(iter(dropped), None)
    subject = f"power level '{level.name}'" if level else "this request"
    if first is None:
        return NotAllowed(f"No model is set up for {subject}.", code="no_candidate")
    name = f"{first.model.provider.slug}/{first.model.model_id}"
    if first.reason is Drop.TIER_TOO_LOW:
        return NotAllowed(
            f"{name} is not open to the {want.tier} tier.", param="model", code="tier_not_allowed"
        )
    if first.reason is Drop.NO_KEY:
        return NotAllowed(
            f"There is no API key for {first.model.provider.name}; "
            "store your own, or ask the operator.",
            param="model",
            code="no_provider_key",
        )
    if first.reason is Drop.NOT_ALLOWED_FOR_TOKEN:
        return NotAllowed(
            f"This token may not use {name}.", param="model", code="model_not_allowed"
        )
    if first.reason in (Drop.MODEL_INACTIVE, Drop.PROVIDER_INACTIVE):
        return UnknownModel(f"{name} is switched off.", param="model")
    if first.reason is Drop.CONTEXT_TOO_SMALL:
        return InvalidField(
            f"The messages do not fit the context window of any model for {subject}.",
            param="messages",
            code="context_length_exceeded",
        )
    return InvalidField(
        f"No model can serve {subject}: {name} was dropped because of '{first.reason}'.",
        param=_FIELD_AT_FAULT.get(first.reason, "model"),
        code="no_candidate",
    )
