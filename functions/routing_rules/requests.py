"""What an admin sends of a rule or a power level. Absent is not null: null takes a bound away."""

from __future__ import annotations

from decimal import Decimal

import msgspec

Absent = msgspec.UnsetType
ABSENT = msgspec.UNSET


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`model` is a listed id or `provider/model`; `user_tier` the lowest it holds for, or `all`."""

    model: str
    power_level: str
    user_tier: str = "all"
    task_type: str | None = None
    priority: int = 0
    weight: int = 100
    min_tokens: int | None = None
    max_tokens: int | None = None
    requires_byok: bool = False
    is_fallback: bool = False
    fallback_order: int | None = None
    is_active: bool = True


class ChangeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    model: str | Absent = ABSENT
    power_level: str | Absent = ABSENT
    user_tier: str | Absent = ABSENT
    task_type: str | Absent | None = ABSENT
    priority: int | Absent = ABSENT
    weight: int | Absent = ABSENT
    min_tokens: int | Absent | None = ABSENT
    max_tokens: int | Absent | None = ABSENT
    requires_byok: bool | Absent = ABSENT
    is_fallback: bool | Absent = ABSENT
    fallback_order: int | Absent | None = ABSENT
    is_active: bool | Absent = ABSENT


class NewLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rank` orders the levels, cheapest first; the ceiling is on three parts input, one output."""

    name: str
    rank: int
    price_ceiling_usd_per_mtok: Decimal
    ttft_target_ms: int = 2500
    may_change_level: bool = False
    default_max_tokens: int | None = None
    default_temperature: Decimal | None = None


class ChangeLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    rank: int | Absent = ABSENT
    price_ceiling_usd_per_mtok: Decimal | Absent = ABSENT
    ttft_target_ms: int | Absent = ABSENT
    may_change_level: bool | Absent = ABSENT
    default_max_tokens: int | Absent | None = ABSENT
    default_temperature: Decimal | Absent | None = ABSENT
