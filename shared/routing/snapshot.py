"""The frozen values that routing computes on: one immutable, indexed copy of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from shared.routing.aliases import Alias, Aliases
from shared.routing.deployment import Health, Model, Opens, Provider, Tier
from shared.routing.known_models import KnownModels
from shared.routing.offers import Offers
from shared.routing.open_catalog import OpenCatalog

__all__ = [
    "Health",
    "Model",
    "Opens",
    "PowerLevel",
    "Provider",
    "Rule",
    "Snapshot",
    "Tier",
    "build_snapshot",
]


class Rule(msgspec.Struct, frozen=True):
    """A routing rule: this model serves this level, for callers of `tier` (None: all) and up."""

    id: int
    model: Model
    power_level: str
    tier: Tier | None
    task_type: str | None
    priority: int
    weight: int
    min_tokens: int | None
    max_tokens: int | None
    requires_byok: bool
    is_fallback: bool
    fallback_order: int


class Fallback(StrEnum):
    """Where a request of a level goes that none of its rules can serve.

    `rules`: nowhere. `level`: to the level's other models and the providers' defaults. `any`: then
    to every listed model that is under the level's price ceiling.
    """

    RULES = "rules"
    LEVEL = "level"
    ANY = "any"


class PowerLevel(msgspec.Struct, frozen=True):
    """A contract: `price_ceiling` is pico-USD per token on a 3:1 input:output blend.

    The defaults are sent upstream only where the client sent none.
    """

    name: str
    rank: int
    price_ceiling: int
    fallback: Fallback
    default_max_tokens: int | None
    default_temperature: float | None


class Snapshot(msgspec.Struct, frozen=True):
    """Everything a choice needs, as of one moment; what is inactive is in it too, with its flag."""

    providers: tuple[Provider, ...]
    models: tuple[Model, ...]
    rules: tuple[Rule, ...]
    levels: tuple[PowerLevel, ...]
    providers_by_slug: Mapping[str, Provider]
    models_by_id: Mapping[str, tuple[Model, ...]]
    levels_by_name: Mapping[str, PowerLevel]
    rules_by_level: Mapping[str, tuple[Rule, ...]]
    models_by_level: Mapping[str, tuple[Model, ...]]
    models_dearest_first: tuple[Model, ...]
    token_steps: tuple[int, ...]
    """Prompts of so many tokens and more meet other rules than shorter ones; ascending."""
    context_windows: tuple[int, ...]
    """Each size that there is, ascending."""
    task_types: frozenset[str]
    """Those that a rule names; any other makes no difference."""
    aliases: Aliases
    open_catalog: OpenCatalog


DRAFT = 0
"""The id of a rule that is only tried: those of rows begin at 1."""


def with_rule(snapshot: Snapshot, rule: Rule) -> Snapshot:
    """`snapshot` with one rule more, which is for a model that it has."""
    rules = (*snapshot.rules, rule)
    of_level = (*snapshot.rules_by_level.get(rule.power_level, ()), rule)
    return msgspec.structs.replace(
        snapshot,
        rules=rules,
        rules_by_level={
            **snapshot.rules_by_level,
            rule.power_level: tuple(sorted(of_level, key=_rule_order)),
        },
        token_steps=_token_steps(rules),
        task_types=_task_types(rules),
    )


def build_snapshot(
    providers: tuple[Provider, ...],
    models: tuple[Model, ...],
    rules: tuple[Rule, ...],
    levels: tuple[PowerLevel, ...],
    aliases: Iterable[Alias] = (),
    known: KnownModels | None = None,
    offers: Offers | None = None,
) -> Snapshot:
    """Index the tables; rules and models of a level come out in the order they are tried."""
    known, offers = known or KnownModels(), offers or Offers()
    by_id: dict[str, list[Model]] = {}
    by_level: dict[str, list[Model]] = {}
    rules_by_level: dict[str, list[Rule]] = {}
    for model in models:
        by_id.setdefault(model.model_id, []).append(model)
        if model.power_level is not None:
            by_level.setdefault(model.power_level, []).append(model)
    for rule in rules:
        rules_by_level.setdefault(rule.power_level, []).append(rule)
    return Snapshot(
        providers=providers,
        models=models,
        rules=rules,
        levels=tuple(sorted(levels, key=lambda level: level.rank)),
        providers_by_slug={provider.slug: provider for provider in providers},
        models_by_id={name: tuple(sorted(some, key=_seed_order)) for name, some in by_id.items()},
        levels_by_name={level.name: level for level in levels},
        rules_by_level={
            level: tuple(sorted(some, key=_rule_order)) for level, some in rules_by_level.items()
        },
        models_by_level={
            level: tuple(sorted(some, key=_priority_order)) for level, some in by_level.items()
        },
        models_dearest_first=tuple(sorted(models, key=_dearest_first)),
        token_steps=_token_steps(rules),
        context_windows=tuple(
            sorted(
                known.context_windows
                | offers.context_windows
                | {one.context_window for one in models if one.context_window is not None}
            )
        ),
        task_types=_task_types(rules),
        aliases=Aliases(aliases),
        open_catalog=OpenCatalog(known, models, offers),
    )


def _token_steps(rules: tuple[Rule, ...]) -> tuple[int, ...]:
    begins = {rule.min_tokens for rule in rules if rule.min_tokens is not None}
    ends = {rule.max_tokens + 1 for rule in rules if rule.max_tokens is not None}
    return tuple(sorted(begins | ends))


def _task_types(rules: tuple[Rule, ...]) -> frozenset[str]:
    return frozenset(rule.task_type for rule in rules if rule.task_type is not None)


def _dearest_first(model: Model) -> tuple[int, int]:
    """What has no price comes last."""
    return (0 if model.price is None else -model.price.base.blended, model.id)


def _seed_order(model: Model) -> tuple[int, int]:
    return (model.provider.id, model.id)


def rule_rank(rule: Rule) -> tuple[int, int]:
    """Rules of one rank are on a par: their weights decide."""
    order = rule.fallback_order if rule.is_fallback else -rule.priority
    return (order, is_unwell(rule.model))


def is_unwell(model: Model) -> bool:
    """Whether others of its rank come before it."""
    return model.provider.health is Health.DEGRADED


def _rule_order(rule: Rule) -> tuple[object, ...]:
    return (rule.is_fallback, *rule_rank(rule), -rule.weight, rule.id)


def _priority_order(model: Model) -> tuple[int, int]:
    return (-model.power_level_priority, model.id)
