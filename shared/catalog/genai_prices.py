"""What the genai-prices package says of a model, as model_prices keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from shared.routing.deployment import Kind
from shared.routing.known_models import kind_named
from shared.wire.providers import provider_of

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

# Ours, theirs. A part that is not here (images, seconds, searches) is not in a chat's usage.
_PARTS: Mapping[str, str] = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "audio_output": "output_audio_mtok",
    "reasoning": "output_reasoning_mtok",
}
_ALWAYS_WRITTEN = ("input", "output", "cached", "cache_write")
_SERVICE_TIER = "service_tier"


class TierRow(TypedDict):
    """One tier as model_prices.prices keeps it: decimal strings, USD per million tokens."""

    start_tokens: int
    input: str
    output: str
    cached: str | None
    cache_write: str | None
    cache_write_1h: NotRequired[str]
    audio_input: NotRequired[str]
    cached_audio: NotRequired[str]
    audio_output: NotRequired[str]
    reasoning: NotRequired[str]


@dataclass(frozen=True)
class PricedModel:
    """`tiers` is ordered by start_tokens, from 0 up; `service_tiers` have other prices."""

    name: str
    description: str | None
    context_window: int | None
    source: str
    tiers: list[TierRow]
    service_tiers: dict[str, list[TierRow]]

    @property
    def prices(self) -> dict[str, Any]:
        """What goes into model_prices.prices."""
        prices: dict[str, Any] = {"tiers": self.tiers}
        if self.service_tiers:
            prices["service_tiers"] = {
                name: {"tiers": tiers} for name, tiers in self.service_tiers.items()
            }
        return prices


def known_model(provider: str, model: str, at: datetime) -> PricedModel:
    """What genai-prices says of `model` at `at`.

    Raises LookupError if it does not know it, or knows no price of its input or output tokens; an
    embedding model's output is none.
    """
    # Slow to import, and needed once in the life of a database.
    from genai_prices import __version__  # noqa: PLC0415
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    at_provider, found = get_snapshot().find_provider_model(model, None, provider, None)
    tiers = _tiers(found, at)
    return PricedModel(
        name=found.name or model,
        description=" ".join(found.description.split()) if found.description else None,
        context_window=found.context_window,
        source=f"genai-prices {__version__}",
        tiers=tiers,
        service_tiers=_service_tiers(at_provider, found, tiers, at),
    )


@dataclass(frozen=True)
class CatalogModel:
    """What is told of a model by its name: exact names, and a pattern for all others.

    `ids` are what goes upstream, the one it is known by first.
    """

    provider: str
    ids: list[str]
    names: list[str]
    pattern: str | None
    context_window: int | None
    prices: dict[str, Any] | None


def every_known_model(slugs: Iterable[str], at: datetime) -> Iterator[CatalogModel]:
    """All that genai-prices knows at these providers, in its own order; the first that fits counts.

    `prices` is None where it knows no price of input or output tokens.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    by_id = {one.id: one for one in get_snapshot().providers}
    for slug in slugs:
        for model in by_id[slug].models if slug in by_id else ():
            ids, pattern = _ids_and_pattern(model.match)
            try:
                prices = {"tiers": _tiers(model, at)}
            except LookupError:
                prices = None
            names = [one.lower() for one in ids]
            own_id = provider_of(slug).model_id_prefix + model.id
            # `ft:gpt-3.5-turbo-` is how its names begin, and no name.
            is_name = own_id[-1].isalnum()
            if is_name and model.is_match(own_id) and own_id.lower() not in names:
                ids.append(own_id)
            ids.sort(key=lambda one: one != own_id)
            context = model.context_window
            yield CatalogModel(slug, ids, names, pattern, context, prices)


def _ids_and_pattern(match: object) -> tuple[list[str], str | None]:
    """Plain names apart from all that needs to be looked for."""
    clauses: list[object] = list(getattr(match, "or_", ())) or [match]
    ids = [equals for one in clauses if (equals := getattr(one, "equals", None)) is not None]
    others = [_pattern(one) for one in clauses if getattr(one, "equals", None) is None]
    return ids, "|".join(others) or None


def _pattern(clause: object) -> str:
    """A clause of genai-prices (types.py, MatchLogic) as a regular expression for small letters."""
    for kind, form in (
        ("equals", "^{}$"),
        ("starts_with", "^{}"),
        ("ends_with", "{}$"),
        ("contains", "{}"),
    ):
        text = getattr(clause, kind, None)
        if text is not None:
            return form.format(re.escape(text.lower()))
    if (regex := getattr(clause, "regex", None)) is not None:
        return f"(?:{regex})"
    if (parts := getattr(clause, "or_", None)) is not None:
        return "(?:" + "|".join(_pattern(part) for part in parts) + ")"
    # All of them, wherever they are: what skips may skip nothing, so `^` is still the start.
    parts = getattr(clause, "and_", ())
    return "^" + "".join(f"(?=.*(?:{_pattern(part)}))" for part in parts)


def _service_tiers(
    provider: Provider, model: ModelInfo, base: list[TierRow], at: datetime
) -> dict[str, list[TierRow]]:
    # Another provider's model that this one resells: the variants are not this one's.
    if not any(model is one for one in provider.models):
        return {}
    names = {
        variant.when[_SERVICE_TIER]
        for variant in model.price_variants or ()
        if variant.when.keys() == {_SERVICE_TIER}
    }
    named = {name: _tiers(model, at, {_SERVICE_TIER: name}) for name in sorted(names)}
    return {name: tiers for name, tiers in named.items() if tiers != base}


def known_models(provider: str, at: datetime) -> dict[str, PricedModel]:
    """What genai-prices knows of a provider, by the id that goes upstream.

    Without those it marks as deprecated or has no price of text for (images, sound).
    Raises LookupError for a provider it does not know.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    listed = next((one for one in get_snapshot().providers if one.id == provider), None)
    if listed is None:
        raise LookupError(f"genai-prices does not know {provider}")
    ours = provider_of(provider)
    found: dict[str, PricedModel] = {}
    for model in listed.models:
        model_id = ours.model_id_prefix + model.id
        if model.deprecated or not ours.sells(model_id):
            continue
        try:
            found[model_id] = known_model(provider, model_id, at)
        except LookupError:
            continue  # no price of text
    return found


def _tiers(model: ModelInfo, at: datetime, when: Mapping[str, str] | None = None) -> list[TierRow]:
    """Raises LookupError where a price is not known; what embeds says nothing, at no price."""
    from genai_prices.types import TieredPrices  # noqa: PLC0415

    prices = model.get_prices(at, dict(when) if when else None)
    is_silent = kind_named(model.id) is Kind.EMBEDDING
    parts: dict[str, object] = {
        ours: getattr(prices, theirs, None) for ours, theirs in _PARTS.items()
    }
    starts = {
        tier.start
        for part in parts.values()
        if isinstance(part, TieredPrices)
        for tier in part.tiers
    }

    def price_of(part: str, above: int) -> str | None:
        price = parts[part]
        if isinstance(price, TieredPrices):
            reached = [tier.price for tier in price.tiers if tier.start <= above]
            price = reached[-1] if reached and above else price.base
        return format(price, "f") if isinstance(price, Decimal) else None

    def required(part: str, above: int) -> str:
        price = price_of(part, above)
        if price is None:
            raise LookupError(f"genai-prices has no {part} price in {prices!r}")
        return price

    def row(start: int) -> TierRow:
        # Their tier holds above its start, ours from its start on.
        tier = TierRow(
            start_tokens=start + 1 if start else 0,
            input=required("input", start),
            output="0" if is_silent else required("output", start),
            cached=price_of("cached", start),
            cache_write=price_of("cache_write", start),
        )
        for part in _PARTS:
            if part not in _ALWAYS_WRITTEN and (price := price_of(part, start)) is not None:
                tier[part] = price
        return tier

    return [row(start) for start in (0, *sorted(starts))]
