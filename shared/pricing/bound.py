"""The most that tokens can cost at a price: what a bound of money is reckoned with. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from shared.pricing.cost import BASE_SERVICE_TIERS
from shared.pricing.price import Price, PriceTier

CHEAPER_SERVICE_TIERS = frozenset(("flex", "batch"))
"""Never dearer than the list price, so that needs no price of theirs to bound them."""


class MostTokens(NamedTuple):
    """What a request may use: `audio` beside `text`, which is all other tokens of the prompt.

    `answers` times the tokens of one answer are on top, and `predicted` ones, which are charged as
    an answer. What is written to a cache costs more: `is_cached_on_demand` where the request asks
    for it (for an hour perhaps), `is_cached_unasked` where the provider may do it by itself.
    """

    text: int
    audio: int = 0
    predicted: int = 0
    answers: int = 1
    service_tier: str | None = None
    is_cached_unasked: bool = False
    is_cached_on_demand: bool = False


class Dearest(NamedTuple):
    """Pico-USD a token, none of it cheaper than what may be charged."""

    input: int | Fraction
    audio: int | Fraction
    output: int | Fraction


def is_boundable(price: Price, service_tier: str | None) -> bool:
    """Whether what the service tier costs is known, or known to be less than the list price."""
    return (
        service_tier in BASE_SERVICE_TIERS
        or service_tier in CHEAPER_SERVICE_TIERS
        or any(name == service_tier for name, _ in price.service_tiers)
    )


def dearest_rates(price: Price, most: MostTokens) -> Dearest:
    """Of every tier that the prompt may fall in: a provider may serve the base tier instead."""
    rates = [tier.rates for tier in _tiers(price, most)]
    inputs: list[int | Fraction] = []
    for one in rates:
        inputs += [one.input, one.cached or 0]
        if most.is_cached_unasked or most.is_cached_on_demand:
            inputs.append(one.cache_write or 0)
        if most.is_cached_on_demand:
            inputs.append(one.cache_write_1h or 0)
    heard = [part or 0 for one in rates for part in (one.audio_input, one.cached_audio)]
    said = [part or 0 for one in rates for part in (one.output, one.reasoning)]
    return Dearest(max(inputs), max(*inputs, *heard), max(said))


def most_cost(price: Price, most: MostTokens, answer_tokens: int) -> int:
    """Pico-USD of a request whose answers are of so many tokens each, rounded up."""
    rates = dearest_rates(price, most)
    said = answer_tokens * most.answers + most.predicted
    return math.ceil(most.text * rates.input + most.audio * rates.audio + said * rates.output)


def affordable_answer(price: Price, most: MostTokens, pico_usd: int) -> int | None:
    """The tokens that each answer may have for `pico_usd`; None: answers cost nothing."""
    rates = dearest_rates(price, most)
    left = pico_usd - most_cost(price, most, 0)
    if rates.output == 0:
        return None if left >= 0 else 0
    return max(0, math.floor(left / rates.output) // most.answers)


def _tiers(price: Price, most: MostTokens) -> Iterator[PriceTier]:
    prompt_tokens = most.text + most.audio
    asked = [tiers for name, tiers in price.service_tiers if name == most.service_tier]
    for tiers in (price.tiers, *asked):
        for tier in tiers:
            if tier.start_tokens <= prompt_tokens:
                yield tier
