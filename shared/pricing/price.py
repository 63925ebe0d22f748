"""A price: its type, and its text as model_prices keeps it. Pure."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction

import msgspec

PICO_USD_PER_USD = 10**12
"""Money on its way is a whole number of these; a NUMERIC in the database, never a float."""

PICO_USD_PER_TOKEN = 1_000_000
"""What 1 USD per million tokens is: 1e12 / 1e6."""

# Finer than 1e-6 USD per million tokens is no whole number of pico-USD.
_PRICE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6})0*)?")
_FINER_PRICE = re.compile(r"[0-9]{1,9}\.[0-9]{7,24}")


class Rates(msgspec.Struct, frozen=True):
    """Pico-USD per token; None: the source names no such price. 1 USD per million is 1,000,000.

    Some parts may be finer than a pico-USD: then it is a Fraction, which is as exact as an integer.
    `cached_audio` is for audio read from the cache, `audio_output` and `reasoning` for parts of
    the completion, all else for parts of the prompt.
    """

    input: int
    output: int
    cached: int | None = None
    cache_write: int | Fraction | None = None
    cache_write_1h: int | Fraction | None = None
    audio_input: int | Fraction | None = None
    cached_audio: int | Fraction | None = None
    audio_output: int | Fraction | None = None
    reasoning: int | Fraction | None = None

    @property
    def blended(self) -> int:
        """At three input tokens for one output token, rounded up."""
        return -(-(3 * self.input + self.output) // 4)


class PriceTier(msgspec.Struct, frozen=True):
    """Rates for the whole request from `start_tokens` prompt tokens on (a cliff, not a slope)."""

    start_tokens: int
    rates: Rates


class Price(msgspec.Struct, frozen=True):
    """One version of a model's price. `tiers` is ordered by `start_tokens`, from 0 up.

    `service_tiers` are prices of their own, by the provider's word for the tier (flex, priority).
    """

    version: int
    tiers: tuple[PriceTier, ...]
    service_tiers: tuple[tuple[str, tuple[PriceTier, ...]], ...] = ()

    @property
    def base(self) -> Rates:
        return self.tiers[0].rates


class _StoredTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As in model_prices.prices: decimal strings, USD per million tokens."""

    start_tokens: int
    input: str
    output: str
    cached: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None
    audio_input: str | None = None
    cached_audio: str | None = None
    audio_output: str | None = None
    reasoning: str | None = None


class _StoredServiceTier(msgspec.Struct, frozen=True):
    tiers: list[_StoredTier]


class _StoredPrices(msgspec.Struct, frozen=True):
    tiers: list[_StoredTier]
    service_tiers: dict[str, _StoredServiceTier] = {}


def parse_price(version: int, prices: object) -> Price:
    """A price as model_prices.prices keeps it. Raises ValueError, which says what is wrong."""
    stored = msgspec.convert(prices, _StoredPrices)
    return Price(
        version=version,
        tiers=_price_tiers(stored.tiers),
        service_tiers=tuple(
            (name, _price_tiers(one.tiers)) for name, one in sorted(stored.service_tiers.items())
        ),
    )


def _price_tiers(stored: list[_StoredTier]) -> tuple[PriceTier, ...]:
    starts = [tier.start_tokens for tier in stored]
    if starts[:1] != [0] or any(a >= b for a, b in itertools.pairwise(starts)):
        raise ValueError(f"start_tokens must rise from 0, not {starts}")
    return tuple(PriceTier(tier.start_tokens, _rates(tier)) for tier in stored)


def _rates(tier: _StoredTier) -> Rates:
    parts: dict[str, int | Fraction | None] = {
        name: _finer_pico_usd_per_token(getattr(tier, name))
        for name in Rates.__struct_fields__
        if name not in ("input", "output", "cached")
    }
    return Rates(
        input=_pico_usd_per_token(tier.input),
        output=_pico_usd_per_token(tier.output),
        cached=None if tier.cached is None else _pico_usd_per_token(tier.cached),
        **parts,
    )


def _finer_pico_usd_per_token(text: str | None) -> int | Fraction | None:
    """Of a part: there the catalog has thirds of a pico-USD (OpenRouter's cache writes)."""
    if text is not None and _FINER_PRICE.fullmatch(text):
        exact = Fraction(text) * PICO_USD_PER_TOKEN
        return exact.numerator if exact.denominator == 1 else exact
    return None if text is None else _pico_usd_per_token(text)


def _pico_usd_per_token(text: str) -> int:
    match = _PRICE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:40]!r} is not a price: write USD per million tokens with up to 6 decimals"
        )
    whole, decimals = match.group(1), match.group(2) or ""
    return int(whole) * PICO_USD_PER_TOKEN + int(decimals.ljust(6, "0"))
