"""What an answer cost: integers of pico-USD, exact; never a float, never a silent zero.

The parts are taken apart as genai-prices does (decompose.py): a part that has a price of its own
leaves the whole, one that has none stays in it. Where a provider does not tell which of the cached
tokens are audio, text is taken to be what was cached, as far as there is text.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from shared.pricing.price import Price, PriceTier, Rates
from shared.wire.usage import Usage

BASE_SERVICE_TIERS = frozenset((None, "auto", "default", "on_demand", "standard"))
"""What providers call the tier that the list price is for; None: they did not say."""


class Cost(msgspec.Struct, frozen=True):
    """Pico-USD. `total` is always `input + output`."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output


def is_priced(price: Price, service_tier: str | None) -> bool:
    """Whether the price is that of the service tier, and not the list price in its place."""
    return service_tier in BASE_SERVICE_TIERS or any(
        name == service_tier for name, _ in price.service_tiers
    )


def rates_for(price: Price, prompt_tokens: int, service_tier: str | None = None) -> Rates:
    """The rates of the tier that the prompt falls in; a tier prices the whole request.

    A service tier that has no price is charged at the list price. Source: genai-prices,
    TieredPrices (a cliff, not a marginal rate).
    """
    tiers = price.tiers
    if price.service_tiers and service_tier is not None:
        tiers = _tiers_of(price, service_tier)
    rates = tiers[0].rates
    for tier in tiers:
        if prompt_tokens < tier.start_tokens:
            break
        rates = tier.rates
    return rates


def cost_of(price: Price, usage: Usage, service_tier: str | None = None) -> Cost:
    """The cost of `usage`; a part without a rate of its own is charged as what it is part of."""
    rates = rates_for(price, usage.prompt_tokens, service_tier)
    return Cost(input=_input(rates, usage), output=_output(rates, usage))


def _tiers_of(price: Price, service_tier: str) -> tuple[PriceTier, ...]:
    for name, tiers in price.service_tiers:
        if name == service_tier:
            return tiers
    return price.tiers


def _input(rates: Rates, usage: Usage) -> int:
    prompt = usage.prompt_tokens
    cached = 0 if rates.cached is None else usage.cached_tokens or 0
    written = 0 if rates.cache_write is None else usage.cache_write_tokens or 0
    cached_rate = rates.cached or 0
    written_rate = rates.input if rates.cache_write is None else rates.cache_write
    cost = (prompt - cached - written) * rates.input + cached * cached_rate + written * written_rate
    if usage.cache_write_1h_tokens and rates.cache_write_1h is not None:
        cost += usage.cache_write_1h_tokens * (rates.cache_write_1h - written_rate)
    if usage.prompt_audio_tokens and rates.audio_input is not None:
        again = 0 if rates.cached is None else _audio_heard_before(usage)
        fresh = min(usage.prompt_audio_tokens - again, prompt - cached - written)
        cost += fresh * (rates.audio_input - rates.input)
        if rates.cached_audio is not None:
            cost += again * (rates.cached_audio - cached_rate)
    return _whole(cost)


def _audio_heard_before(usage: Usage) -> int:
    """Audio tokens that must be among the cached ones: there is no other room for them."""
    cached = usage.cached_tokens or 0
    elsewhere = usage.prompt_tokens - cached - (usage.cache_write_tokens or 0)
    return min(cached, max(0, (usage.prompt_audio_tokens or 0) - elsewhere))


def _output(rates: Rates, usage: Usage) -> int:
    cost: int | Fraction = usage.completion_tokens * rates.output
    spoken = usage.completion_audio_tokens or 0
    if spoken and rates.audio_output is not None:
        cost += spoken * (rates.audio_output - rates.output)
    if usage.reasoning_tokens and rates.reasoning is not None:
        thought = min(usage.reasoning_tokens, usage.completion_tokens - spoken)
        cost += thought * (rates.reasoning - rates.output)
    return _whole(cost)


def _whole(cost: int | Fraction) -> int:
    """Whole pico-USD, half to even: once a sum, never a part."""
    return cost if isinstance(cost, int) else round(cost)
