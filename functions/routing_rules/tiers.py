"""What each tier opens: the data behind it are the tiers of rules, models and providers. Pure."""

from __future__ import annotations

import msgspec

from shared.routing.levels import level_allowed
from shared.routing.snapshot import Snapshot, Tier


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
