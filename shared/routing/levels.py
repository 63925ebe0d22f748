"""Which power level a request gets: the one it asks for, or the highest that its tier allows."""

from __future__ import annotations

import msgspec

from shared.errors import InvalidField, NotAllowed
from shared.routing.snapshot import PowerLevel, Rule, Snapshot, Tier

AUTO = "auto"
DEFAULT_LEVEL = "balanced"


def level_of(snapshot: Snapshot, name: str | None, tier: Tier) -> PowerLevel:
    """The level of that name; without one, or for `auto`, balanced or the highest allowed below.

    Raises InvalidField for a name that is no level, NotAllowed for one that the tier does not open.
    """
    if name is not None and name != AUTO:
        return _named(snapshot, name, tier)
    default = snapshot.levels_by_name.get(DEFAULT_LEVEL)
    highest = default.rank if default else max((one.rank for one in snapshot.levels), default=0)
    for level in reversed(snapshot.levels):
        if level.rank <= highest and level_allowed(snapshot, level.name, tier):
            return level
    raise NotAllowed(
        f"No power level is open to the {tier} tier.",
        param="power_level",
        code="tier_not_allowed",
    )


def level_allowed(snapshot: Snapshot, level: str, tier: Tier) -> bool:
    """Whether `tier` may use `level`: a rule of the level is met, or it has no rules at all."""
    rules = snapshot.rules_by_level.get(level, ())
    return not rules or any(tier_met(rule, tier) for rule in rules)


def tier_met(rule: Rule, tier: Tier) -> bool:
    return rule.tier is None or tier.meets(rule.tier)


def _named(snapshot: Snapshot, name: str, tier: Tier) -> PowerLevel:
    level = snapshot.levels_by_name.get(name)
    if level is None:
        known = ", ".join(one.name for one in snapshot.levels)
        raise InvalidField(
            f"There is no power level of that name; use one of: {known}, {AUTO}.",
            param="power_level",
        )
    if not level_allowed(snapshot, level.name, tier):
        raise _refused(snapshot, level, tier)
    return level


def _refused(snapshot: Snapshot, level: PowerLevel, tier: Tier) -> NotAllowed:
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


class TierCard(msgspec.Struct, frozen=True):
    """A tier opens all that a lower one does. `models` are active ones, as `provider/model`."""

    tier: str
    rank: int
    power_levels: list[str]
    models: list[str]
    rules: list[int]


def tier_cards(snapshot: Snapshot) -> list[TierCard]:
    return [_card(snapshot, tier) for tier in Tier]


def _card(snapshot: Snapshot, tier: Tier) -> TierCard:
    return TierCard(
        tier=tier.value,
        rank=tier.rank,
        power_levels=[
            one.name for one in snapshot.levels if level_allowed(snapshot, one.name, tier)
        ],
        models=[
            f"{one.provider.slug}/{one.model_id}"
            for one in snapshot.models
            if one.is_active
            and one.provider.is_active
            and tier.meets(one.min_tier)
            and tier.meets(one.provider.min_tier)
        ],
        rules=[one.id for one in snapshot.rules if one.tier is None or tier.meets(one.tier)],
    )
