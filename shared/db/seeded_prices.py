"""Prices of the seeded models, out of the genai-prices package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice


class TierRow(TypedDict):
    """One tier as model_prices.prices keeps it: decimal strings, USD per million tokens."""

    start_tokens: int
    input: str
    output: str
    cached: str | None
    cache_write: str | None


@dataclass(frozen=True)
class KnownModel:
    """`tiers` is ordered by start_tokens, from 0 up."""

    name: str
    description: str | None
    context_window: int | None
    source: str
    tiers: list[TierRow]


def known_model(provider: str, model: str, at: datetime) -> KnownModel:
    """What genai-prices says of `model` at `at`. Raises LookupError if it does not know it."""
    # Slow to import, and needed once in the life of a database.
    from genai_prices import __version__  # noqa: PLC0415
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    _, found = get_snapshot().find_provider_model(model, None, provider, None)
    return KnownModel(
        name=found.name or model,
        description=" ".join(found.description.split()) if found.description else None,
        context_window=found.context_window,
        source=f"genai-prices {__version__}",
        tiers=_tiers(found.get_prices(at)),
    )


def _tiers(prices: ModelPrice) -> list[TierRow]:
    from genai_prices.types import TieredPrices  # noqa: PLC0415

    parts: dict[str, object] = {
        ours: getattr(prices, theirs, None)
        for ours, theirs in (
            ("input", "input_mtok"),
            ("output", "output_mtok"),
            ("cached", "cache_read_mtok"),
            ("cache_write", "cache_write_mtok"),
        )
    }
    starts = {
        tier.start
        for part in parts.values()
        if isinstance(part, TieredPrices)
        for tier in part.tiers
    }

    def at(part: str, above: int) -> str | None:
        price = parts[part]
        if isinstance(price, TieredPrices):
            reached = [tier.price for tier in price.tiers if tier.start <= above]
            price = reached[-1] if reached and above else price.base
        return format(price, "f") if isinstance(price, Decimal) else None

    def required(part: str, above: int) -> str:
        price = at(part, above)
        if price is None:
            raise LookupError(f"genai-prices has no {part} price in {prices!r}")
        return price

    # Their tier holds above its start, ours from its start on.
    return [
        TierRow(
            start_tokens=start + 1 if start else 0,
            input=required("input", start),
            output=required("output", start),
            cached=at("cached", start),
            cache_write=at("cache_write", start),
        )
        for start in (0, *sorted(starts))
    ]
