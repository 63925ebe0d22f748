"""How rules, power levels and dry runs are shown to an admin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from functions.routing_rules.explain import Explanation
from shared.catalog.levels import LevelRow
from shared.catalog.rules import RuleRow
from shared.replay.decide import Outcome


class RuleCard(msgspec.Struct, frozen=True):
    """A rule with the model it names. `user_tier` may be `all`."""

    id: int
    model: str
    provider: str
    power_level: str
    user_tier: str
    task_type: str | None
    priority: int
    weight: int
    min_tokens: int | None
    max_tokens: int | None
    requires_byok: bool
    is_fallback: bool
    fallback_order: int | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class LevelCard(msgspec.Struct, frozen=True):
    """Amounts are numbers, exact: as they are in the table."""

    name: str
    rank: int
    price_ceiling_usd_per_mtok: msgspec.Raw
    ttft_target_ms: int
    fallback: str
    default_max_tokens: int | None
    default_temperature: msgspec.Raw
    updated_at: datetime


class Tried(msgspec.Struct, frozen=True):
    """Where the request goes, and where it would go: there the rule that is tried has the id 0.

    `was` is null where nothing serves it now.
    """

    was: Explanation | None
    would_be: Explanation


class MovedCard(msgspec.Struct, frozen=True, rename={"origin": "from", "target": "to"}):
    """So many requests went `from` one model, as `provider/model`, and would go `to` another."""

    origin: str
    target: str
    count: int


class CostCard(msgspec.Struct, frozen=True):
    """USD at list prices, exact numbers."""

    was: msgspec.Raw
    would_be: msgspec.Raw


class Replayed(msgspec.Struct, frozen=True):
    """What a change would have done to the last requests.

    Of those `seen`, `decided` are the ones whose choice, made again, is the one that served them.
    The rest is about these; `refused` would have been answered with an error.
    """

    seen: int
    decided: int
    moved: list[MovedCard]
    refused: int
    cost_usd: CostCard


def replayed(outcome: Outcome) -> Replayed:
    return Replayed(
        seen=outcome.seen,
        decided=outcome.decided,
        moved=[MovedCard(one.before, one.after, one.count) for one in outcome.moved],
        refused=outcome.refused,
        cost_usd=CostCard(_raw(outcome.was_usd), _raw(outcome.would_be_usd)),
    )


def _raw(amount: Decimal) -> msgspec.Raw:
    return msgspec.Raw(f"{amount.normalize():f}".encode())


class DeletedEntry(msgspec.Struct, frozen=True):
    id: int | str
    deleted: bool = True


def rule_card(row: RuleRow) -> RuleCard:
    return msgspec.convert(row, RuleCard, from_attributes=True)


def level_card(row: LevelRow) -> LevelCard:
    return LevelCard(
        name=row.name,
        rank=row.rank,
        price_ceiling_usd_per_mtok=_number(row.price_ceiling_usd_per_mtok),
        ttft_target_ms=row.ttft_target_ms,
        fallback=row.fallback,
        default_max_tokens=row.default_max_tokens,
        default_temperature=_number(row.default_temperature),
        updated_at=row.updated_at,
    )


def _number(amount: Decimal | None) -> msgspec.Raw:
    """JSON's number, of any precision."""
    return msgspec.Raw(b"null" if amount is None else f"{amount:f}".encode())
