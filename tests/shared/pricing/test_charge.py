"""What is charged, and how well it is known: never a silent zero, never a guess called exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shared.pricing.charge import Charge, CostQuality, charge
from shared.pricing.price import Price, PriceTier, Rates
from shared.wire.provider import CostReport
from shared.wire.usage import Usage

BASE = (PriceTier(0, Rates(input=100, output=400)),)
FLEX = (PriceTier(0, Rates(input=50, output=200)),)
PRICE = Price(version=7, tiers=BASE, service_tiers=(("flex", FLEX),))
USAGE = Usage(10, 5)
GUESS = Usage(10, 5, is_estimated=True)


def told(usage: Usage, pico_usd: int) -> Usage:
    return structs.replace(usage, provider_cost_pico_usd=pico_usd)


MEASURED, ESTIMATED = CostQuality.MEASURED, CostQuality.ESTIMATED
REPORTED, UNPRICED = CostQuality.PROVIDER_REPORTED, CostQuality.UNPRICED


@pytest.mark.parametrize(
    ("price", "usage", "service_tier", "expected"),
    [
        pytest.param(
            PRICE, USAGE, None, Charge(MEASURED, 1000, 2000, 3000, 7), id="counted, at our price"
        ),
        pytest.param(
            PRICE, told(USAGE, 9), None, Charge(MEASURED, 1000, 2000, 3000, 7),
            id="the provider's figure is a second opinion where ours is exact",
        ),
        pytest.param(
            PRICE, USAGE, "default", Charge(MEASURED, 1000, 2000, 3000, 7),
            id="the list price is that of the default tier",
        ),
        pytest.param(
            PRICE, USAGE, "flex", Charge(MEASURED, 500, 1000, 1500, 7), id="a tier with a price"
        ),
        pytest.param(
            PRICE, USAGE, "scale", Charge(ESTIMATED, 1000, 2000, 3000, 7),
            id="a tier without a price is at best an estimate",
        ),
        pytest.param(
            PRICE, told(USAGE, 9), "scale", Charge(REPORTED, total=9),
            id="the provider's figure is better than an estimate",
        ),
        pytest.param(
            PRICE, GUESS, None, Charge(ESTIMATED, 1000, 2000, 3000, 7), id="counted by us"
        ),
        pytest.param(
            PRICE, told(GUESS, 9), None, Charge(REPORTED, total=9), id="not counted, but told"
        ),
        pytest.param(None, USAGE, None, Charge(UNPRICED), id="no price: null"),
        pytest.param(None, GUESS, None, Charge(UNPRICED), id="no price for a guess: null"),
        pytest.param(
            None, told(USAGE, 0), None, Charge(REPORTED, total=0), id="no price, told to be free"
        ),
        pytest.param(PRICE, None, None, Charge(UNPRICED), id="nothing is known of the usage"),
        pytest.param(
            None, Usage(0, 0), None, Charge(MEASURED, 0, 0, 0), id="nothing costs nothing"
        ),
        pytest.param(
            None, Usage(0, 0, is_estimated=True), None, Charge(UNPRICED),
            id="nothing that was only estimated is not known",
        ),
    ],
)  # fmt: skip
def test_a_charge_says_how_it_is_known(
    price: Price | None, usage: Usage | None, service_tier: str | None, expected: Charge
) -> None:
    assert charge(price, usage, service_tier) == expected


tokens = st.integers(0, 10**6)


@given(tokens, tokens, st.booleans(), st.none() | st.integers(0, 10**12), st.booleans())
def test_a_cost_is_null_exactly_where_it_is_unpriced(
    prompt: int, completion: int, is_estimated: bool, provider_cost: int | None, is_priced: bool
) -> None:
    usage = Usage(
        prompt, completion, is_estimated=is_estimated, provider_cost_pico_usd=provider_cost
    )
    made = charge(PRICE if is_priced else None, usage, None)
    assert (made.total is None) == (made.quality is UNPRICED)
    if made.input is not None and made.output is not None:
        assert made.total == made.input + made.output


@pytest.mark.parametrize(
    ("report", "price", "usage", "expected"),
    [
        pytest.param(
            CostReport.INVOICE, PRICE, told(USAGE, 9000), Charge(REPORTED, total=9000),
            id="an invoice above the list is the cost",
        ),
        pytest.param(
            CostReport.INVOICE, PRICE, told(USAGE, 9), Charge(REPORTED, total=9),
            id="an invoice below the list is the cost",
        ),
        pytest.param(
            CostReport.INVOICE, PRICE, told(GUESS, 9), Charge(REPORTED, total=9),
            id="an invoice needs no count",
        ),
        pytest.param(
            CostReport.INVOICE, PRICE, told(Usage(0, 0), 9), Charge(REPORTED, total=9),
            id="a search without an answer is invoiced",
        ),
        pytest.param(
            CostReport.INVOICE, PRICE, USAGE, Charge(MEASURED, 1000, 2000, 3000, 7),
            id="no invoice, so the list",
        ),
        pytest.param(
            CostReport.CALCULATION, PRICE, told(USAGE, 9000), Charge(REPORTED, total=9000),
            id="a calculation above the list is the cost",
        ),
        pytest.param(
            CostReport.CALCULATION, PRICE, told(USAGE, 9), Charge(MEASURED, 1000, 2000, 3000, 7),
            id="a calculation below the list is not",
        ),
        pytest.param(
            CostReport.CALCULATION, PRICE, told(GUESS, 9), Charge(ESTIMATED, 1000, 2000, 3000, 7),
            id="nor below an estimate",
        ),
        pytest.param(
            CostReport.CALCULATION, None, told(USAGE, 9), Charge(REPORTED, total=9),
            id="a calculation where there is no price",
        ),
        pytest.param(
            CostReport.CALCULATION, None, told(USAGE, 0), Charge(UNPRICED),
            id="a calculation of nothing is no price",
        ),
    ],
)  # fmt: skip
def test_what_is_reported_counts_as_what_it_is(
    report: CostReport, price: Price | None, usage: Usage, expected: Charge
) -> None:
    assert charge(price, usage, None, report) == expected
