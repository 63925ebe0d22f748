"""Our cost is genai-prices' cost, over all it knows of the built-in providers, to a pico-dollar."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider
from genai_prices.types import Usage as TheirUsage

from shared.catalog.genai_prices import known_model
from shared.pricing.cost import cost_of
from shared.pricing.price import Price, Rates, parse_price
from shared.settings import PROVIDER_PREFIXES
from shared.wire.usage import Usage

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PICO_USD = Decimal("1e-12")


@cache
def sold() -> list[tuple[Provider, ModelInfo]]:
    providers = [one for one in get_snapshot().providers if one.id in PROVIDER_PREFIXES]
    return [(provider, model) for provider in providers for model in provider.models]


def words_of(clause: object) -> Iterator[str]:
    """The texts that a rule of theirs matches a model's name by."""
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Iterable):
            for inner in value:
                yield from words_of(inner)


def name_of(provider: Provider, model: ModelInfo) -> str | None:
    """A name that leads to the model; None where another model comes first for all of them."""
    names = [model.id, *words_of(model.match)]
    return next((name for name in names if provider.find_model(name) is model), None)


def price_of(provider: Provider, model: ModelInfo) -> Price | None:
    name = name_of(provider, model)
    assert name is not None
    try:
        return parse_price(1, known_model(provider.id, name, NOW).prices)
    except LookupError:
        return None


@cache
def prices() -> list[tuple[Provider, ModelInfo, Price | None]]:
    return [(at, model, price_of(at, model)) for at, model in sold() if name_of(at, model)]


def usages(price: Price) -> Iterator[Usage]:
    """Around each tier's edge, with no parts, with each part alone, and with all at once."""
    edges = {tier.start_tokens for tier in price.tiers}
    for _, tiers in price.service_tiers:
        edges |= {tier.start_tokens for tier in tiers}
    prompts = {0, 1, 7_919, *(edge + step for edge in edges for step in (-1, 0, 1))} - {-1}
    for prompt in sorted(prompts):
        yield Usage(prompt, 1_013)
        third = prompt // 3
        yield Usage(prompt, 0, cached_tokens=prompt)
        yield Usage(prompt, 997, cache_write_tokens=prompt, cache_write_1h_tokens=third)
        yield Usage(prompt, 211, prompt_audio_tokens=third, completion_audio_tokens=101)
        yield Usage(
            prompt,
            1_511,
            cached_tokens=third,
            cache_write_tokens=third,
            cache_write_1h_tokens=third // 2,
            reasoning_tokens=503,
            prompt_audio_tokens=prompt - third - third // 2,
            completion_audio_tokens=17,
        )


def theirs(usage: Usage) -> TheirUsage:
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    audio = usage.prompt_audio_tokens or 0
    heard_before = max(0, audio - (usage.prompt_tokens - cached - written))
    return TheirUsage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=usage.cache_write_1h_tokens or 0,
        input_audio_tokens=audio,
        cache_audio_read_tokens=min(cached, heard_before),
        output_audio_tokens=usage.completion_audio_tokens or 0,
        output_reasoning_tokens=usage.reasoning_tokens or 0,
    )


def rounded(usd: Decimal) -> Decimal:
    return usd.quantize(PICO_USD, ROUND_HALF_EVEN)


def differences(provider: Provider, model: ModelInfo, price: Price) -> Iterator[str]:
    tiers = [None, *(name for name, _ in price.service_tiers)]
    for usage, tier in itertools.product(usages(price), tiers):
        context = {"service_tier": tier} if tier else None
        told = model.calc_price(
            theirs(usage), provider, genai_request_timestamp=NOW, price_context=context
        )
        cost = cost_of(price, usage, tier)
        ours = (Decimal(cost.input).scaleb(-12), Decimal(cost.output).scaleb(-12))
        if ours != (rounded(told.input_price), rounded(told.output_price)):
            yield f"{provider.id}/{model.id} {tier} {usage}: {ours}, not {told}"
        if cost.total != cost.input + cost.output:
            yield f"{provider.id}/{model.id}: the parts do not sum to the total"


@pytest.mark.parametrize("provider", PROVIDER_PREFIXES)
def test_a_usage_costs_what_genai_prices_says_for_every_model_of(provider: str) -> None:
    found: list[str] = []
    known = [(at, model, price) for at, model, price in prices() if at.id == provider]
    compared = 0
    for at, model, price in known:
        if price is not None:
            compared += 1
            found += itertools.islice(differences(at, model, price), 3)
    assert compared >= 0.8 * len(known) > 0
    assert found == []


def test_all_but_a_few_models_have_a_name_and_those_without_token_prices_alone_are_unpriced() -> (
    None
):
    assert len(prices()) > 0.95 * len(sold())
    unpriced = [model for _, model, price in prices() if price is None]
    assert unpriced
    for model in unpriced:
        base = model.get_prices(NOW)
        assert base.input_mtok is None or base.output_mtok is None, model.id


def test_the_catalog_has_every_kind_of_price_that_this_compares() -> None:
    """Were a part to vanish from the package, the comparison above would say less than it seems."""
    known = [price for _, _, price in prices() if price is not None]
    rates = [tier.rates for price in known for tier in price.tiers]
    for part in Rates.__struct_fields__:
        assert any(getattr(one, part) is not None for one in rates), part
    assert any(len(price.tiers) > 1 for price in known)
    assert {name for price in known for name, _ in price.service_tiers} >= {"flex", "priority"}
    assert any(isinstance(one.cache_write, Fraction) for one in rates), "thirds of a pico-USD"
