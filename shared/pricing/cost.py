"""What an answer cost: integers of pico-USD, exact; never a float, never a silent zero."""

from __future__ import annotations

import msgspec

from shared.routing.snapshot import Price, Rates
from shared.wire.usage import Usage


class Cost(msgspec.Struct, frozen=True):
    """Pico-USD. `total` is always `input + output`."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output


def rates_for(price: Price, prompt_tokens: int) -> Rates:
    """The rates of the tier that the prompt falls in; a tier prices the whole request.

    Source: genai-prices, TieredPrices (a cliff, not a marginal rate).
    """
    rates = price.base
    for tier in price.tiers:
        if prompt_tokens < tier.start_tokens:
            break
        rates = tier.rates
    return rates


def cost_of(price: Price, usage: Usage) -> Cost:
    """The cost of `usage`; a part without a rate of its own is charged at the input rate."""
    rates = rates_for(price, usage.prompt_tokens)
    cached = usage.cached_tokens or 0
    written = usage.cache_write_tokens or 0
    plain = usage.prompt_tokens - cached - written
    cached_rate = rates.input if rates.cached is None else rates.cached
    written_rate = rates.input if rates.cache_write is None else rates.cache_write
    return Cost(
        input=plain * rates.input + cached * cached_rate + written * written_rate,
        output=usage.completion_tokens * rates.output,
    )
