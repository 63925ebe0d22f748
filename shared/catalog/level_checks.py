"""What an admin may say of a power level, and whether it makes sense. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from shared.catalog.levels import LevelRow
from shared.errors import Conflict, InvalidField
from shared.pricing.price import PICO_USD_PER_TOKEN
from shared.routing.levels import AUTO
from shared.routing.snapshot import Fallback, Snapshot

_LEVEL = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_MOST = 10**6
_FINEST_USD = Decimal("0.000001")
_USUAL_TTFT_TARGET_MS = 2500

NOT_USED: Mapping[str, object] = {"ttft_target_ms": _USUAL_TTFT_TARGET_MS}
"""Columns that nothing reads yet, with what they hold in a new row: see `refuse_unused`."""


class NewLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rank` orders the levels, cheapest first; the ceiling is on three parts input, one output.
    `fallback` says where a request may go that no rule of the level can serve.
    `ttft_target_ms` is not used yet: another value than the present one is refused.
    """

    name: str
    rank: int
    price_ceiling_usd_per_mtok: Decimal
    ttft_target_ms: int = _USUAL_TTFT_TARGET_MS
    fallback: Fallback = Fallback.LEVEL
    default_max_tokens: int | None = None
    default_temperature: Decimal | None = None


class ChangeLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Absent leaves a field as it is; null takes a default away."""

    rank: int | UnsetType = UNSET
    price_ceiling_usd_per_mtok: Decimal | UnsetType = UNSET
    ttft_target_ms: int | UnsetType = UNSET
    fallback: Fallback | UnsetType = UNSET
    default_max_tokens: int | UnsetType | None = UNSET
    default_temperature: Decimal | UnsetType | None = UNSET


def check_level(
    level: NewLevel, others: Sequence[LevelRow], snapshot: Snapshot, *, is_new: bool
) -> None:
    """Raises InvalidField; `others` are the levels but this one."""
    if is_new and (level.name == AUTO or not _LEVEL.fullmatch(level.name)):
        raise _wrong("name", "Use lowercase letters, digits, '_' and '-', not 'auto'; 31 at most.")
    if is_new and any(other.name == level.name for other in others):
        raise Conflict(
            "There is a level of that name; PATCH it.", param="name", code="power_level_exists"
        )
    if is_new and level.name in snapshot.models_by_id:
        raise _wrong("name", "A model has that name: a request could not tell them apart.")
    twin = next((other for other in others if other.rank == level.rank), None)
    if twin is not None:
        raise _wrong("rank", f"Level '{twin.name}' has that rank; ranks tell levels apart.")
    if not 0 <= level.rank <= 1000:
        raise _wrong("rank", "'rank' must be from 0 to 1000.")
    if level.default_max_tokens is not None and not 1 <= level.default_max_tokens <= 10**7:
        raise _wrong("default_max_tokens", "'default_max_tokens' must be at least 1.")
    temperature = level.default_temperature
    if temperature is not None and not (temperature.is_finite() and 0 <= temperature <= 2):
        raise _wrong("default_temperature", "'default_temperature' must be from 0 to 2.")
    _check_ceiling(level.price_ceiling_usd_per_mtok, snapshot)


def _check_ceiling(ceiling: Decimal, snapshot: Snapshot) -> None:
    name = "price_ceiling_usd_per_mtok"
    if not ceiling.is_finite() or not _FINEST_USD <= ceiling <= _MOST:
        raise _wrong(name, f"The ceiling must be from {_FINEST_USD:f} to {_MOST} USD.")
    priced = [one for one in snapshot.models if one.is_active and one.price is not None]
    cheapest = min(priced, key=lambda one: one.price.base.blended if one.price else 0, default=None)
    if cheapest is None or cheapest.price is None:
        return
    blended = cheapest.price.base.blended
    if ceiling * PICO_USD_PER_TOKEN < blended:
        raise _wrong(
            name,
            f"The ceiling is under every model's price: the cheapest, {cheapest.provider.slug}/"
            f"{cheapest.model_id}, is {Decimal(blended) / PICO_USD_PER_TOKEN:f} USD a million"
            " tokens at three parts input and one part output.",
            "ceiling_under_every_price",
        )


def _wrong(param: str, message: str, code: str | None = None) -> InvalidField:
    return InvalidField(message, param=param, code=code)
