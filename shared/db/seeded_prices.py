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


# What genai-prices leaves out of an id, and the models that it lists for a provider's other
# products: our google is AI Studio's endpoint, not Vertex.
_ID_PREFIX = {"fireworks": "accounts/fireworks/models/"}
_SOLD_AS = {"google": ("gemini-", "gemma-")}


def known_models(provider: str, at: datetime) -> dict[str, KnownModel]:
    """What genai-prices knows of a provider, by the id that goes upstream.

    Without those it marks as deprecated or has no price of text for (embeddings, images, sound).
    Raises LookupError for a provider it does not know.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    listed = next((one for one in get_snapshot().providers if one.id == provider), None)
    if listed is None:
        raise LookupError(f"genai-prices does not know {provider}")
    found: dict[str, KnownModel] = {}
    for model in listed.models:
        if model.deprecated or not model.id.startswith(_SOLD_AS.get(provider, "")):
            continue
        model_id = _ID_PREFIX.get(provider, "") + model.id
        try:
            found[model_id] = known_model(provider, model_id, at)
        except LookupError:
            continue  # no price of text
    return found


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
