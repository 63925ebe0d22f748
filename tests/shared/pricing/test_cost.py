"""Laws of cost."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing.cost import cost_of
from shared.pricing.price import Price, PriceTier, Rates
from shared.wire.usage import Usage

HEARD = Price(
    version=1,
    tiers=(
        PriceTier(
            0,
            Rates(
                input=10,
                output=20,
                cached=1,
                cache_write=12,
                cache_write_1h=16,
                audio_input=100,
                cached_audio=50,
                audio_output=200,
                reasoning=30,
            ),
        ),
    ),
)
THIRDS = Price(
    version=1, tiers=(PriceTier(0, Rates(input=1, output=1, cache_write=Fraction(1, 3))),)
)
PRICE = Price(
    version=1,
    tiers=(
        PriceTier(0, Rates(input=100_000, output=500_000, cached=10_000, cache_write=125_000)),
        PriceTier(100_000, Rates(input=500_000, output=2_500_000, cached=50_000)),
    ),
)
BARE = Price(version=1, tiers=(PriceTier(0, Rates(input=75_000, output=300_000)),))


@pytest.mark.parametrize(
    ("price", "usage", "usd"),
    [
        pytest.param(BARE, Usage(1000, 100), "0.000105", id="plain tokens"),
        pytest.param(BARE, Usage(0, 0), "0", id="no tokens cost nothing"),
        pytest.param(BARE, Usage(1000, 0, 400), "0.000075", id="no cached price: the input price"),
        pytest.param(PRICE, Usage(1000, 0, 400, 100), "0.0000665", id="each part at its own rate"),
        pytest.param(PRICE, Usage(99_999, 0), "0.0099999", id="just under a tier"),
        pytest.param(PRICE, Usage(120_000, 0, 100_000), "0.015", id="a tier prices it whole"),
        pytest.param(
            HEARD,
            Usage(100, 0, 0, 50, cache_write_1h_tokens=20),
            "0.000000001180",
            id="5 minutes and an hour in the cache each at their own rate",
        ),
        pytest.param(HEARD, Usage(100, 0, prompt_audio_tokens=40), "0.000000004600", id="audio in"),
        pytest.param(
            HEARD,
            Usage(100, 0, 30, prompt_audio_tokens=80),
            "0.000000007520",
            id="cached audio is what does not fit elsewhere",
        ),
        pytest.param(
            HEARD,
            Usage(0, 100, reasoning_tokens=50, completion_audio_tokens=10),
            "0.000000004300",
            id="thoughts and speech out",
        ),
        pytest.param(THIRDS, Usage(3, 0, 0, 3), "0.000000000001", id="three thirds are one"),
        pytest.param(THIRDS, Usage(1, 0, 0, 1), "0", id="a third is rounded once, at the end"),
    ],
)
def test_a_usage_has_one_exact_cost(price: Price, usage: Usage, usd: str) -> None:
    assert Decimal(cost_of(price, usage).total).scaleb(-12) == Decimal(usd)


def test_every_part_is_priced_and_none_twice() -> None:
    """At one rate for all, however the parts overlap, the whole costs what it costs plain."""
    same = Price(version=1, tiers=(PriceTier(0, Rates(*[7] * 9)),))

    @given(st.lists(st.integers(0, 50), min_size=5, max_size=5), st.integers(0, 90))
    def check(parts: list[int], audio: int) -> None:
        plain, cached, written, answer, thought = parts
        prompt = plain + cached + written
        usage = Usage(
            prompt,
            answer + thought,
            cached,
            written,
            thought,
            prompt_audio_tokens=min(audio, prompt),
            completion_audio_tokens=answer,
            cache_write_1h_tokens=written // 2,
        )
        assert cost_of(same, usage).total == 7 * usage.total_tokens

    check()


@given(st.integers(0, 200_000), st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_parts_sum_to_the_total_and_cached_tokens_are_never_billed_twice(
    prompt: int, completion: int, cached_share: float, written_share: float
) -> None:
    cached = int(prompt * cached_share)
    written = int((prompt - cached) * written_share)
    cost = cost_of(BARE, Usage(prompt, completion, cached, written))
    assert cost.total == cost.input + cost.output
    assert cost == cost_of(BARE, Usage(prompt, completion))


def test_the_blend_is_three_to_one() -> None:
    assert Rates(input=1_000_000, output=5_000_000).blended == 2_000_000
