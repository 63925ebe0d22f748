"""Laws of cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing.cost import cost_of
from shared.routing.snapshot import Price, PriceTier, Rates
from shared.wire.usage import Usage

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
    ],
)
def test_a_usage_has_one_exact_cost(price: Price, usage: Usage, usd: str) -> None:
    assert Decimal(cost_of(price, usage).total).scaleb(-12) == Decimal(usd)


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
