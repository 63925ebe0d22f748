"""An unchanged price yields nothing to adjust, however a row was charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shared.pricing.charge import Charge, CostQuality, charge
from shared.pricing.history import cost_usd_of
from shared.pricing.price import Price, PriceTier, Rates
from shared.wire.provider import CostReport
from shared.wire.usage import Usage

rates = st.builds(Rates, input=st.integers(0, 10**7), output=st.integers(0, 10**7))
prices = st.builds(
    lambda base, priority: Price(
        1, (PriceTier(0, base),), (("priority", (PriceTier(0, priority),)),)
    ),
    rates,
    rates,
)
tokens = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    tokens,
    tokens,
    is_estimated=st.booleans(),
    provider_cost_pico_usd=st.none() | st.integers(0, 10**13),
)
REPORTS = (None, CostReport.INVOICE, CostReport.CALCULATION)


def row_of(made: Charge, usage: Usage, tier: str | None, report: CostReport | None) -> Any:
    def usd(pico_usd: int | None) -> Decimal | None:
        return None if pico_usd is None else Decimal(pico_usd).scaleb(-12)

    parts = {name: getattr(usage, name) for name in usage.__struct_fields__}
    via = "litellm" if report is CostReport.CALCULATION else None
    return parts | {
        "cost_quality": str(made.quality),
        "cost_total_usd": usd(made.total),
        "provider_cost_usd": usd(usage.provider_cost_pico_usd),
        "service_tier": tier,
        "attempts": [{"via": None}, {"via": via}],
    }


@given(
    prices,
    usages,
    st.sampled_from([None, "default", "priority", "scale"]),
    st.sampled_from(REPORTS),
)
def test_an_unchanged_price_yields_nothing(
    price: Price, usage: Usage, tier: str | None, report: CostReport | None
) -> None:
    made = charge(price, usage, tier, report)
    row = row_of(made, usage, tier, report)
    assert cost_usd_of(row, price) == row["cost_total_usd"]


@given(prices, prices, usages, st.sampled_from(REPORTS))
def test_a_reported_cost_stays_at_any_price(
    price: Price, other: Price, usage: Usage, report: CostReport | None
) -> None:
    made = charge(price, usage, None, report)
    if made.quality is CostQuality.PROVIDER_REPORTED:
        row = row_of(made, usage, None, report)
        assert cost_usd_of(row, other) == row["cost_total_usd"]


@pytest.mark.parametrize(("listed", "expected"), [(5, 5), (3, 4)])
def test_a_proxys_calculation_stays_the_least_when_the_price_falls(
    listed: int, expected: int
) -> None:
    def price(usd: int) -> Price:
        return Price(1, (PriceTier(0, Rates(usd * 10**6, 0)),))

    usage = Usage(10**6, 0, provider_cost_pico_usd=4 * 10**12)
    report = CostReport.CALCULATION
    row = row_of(charge(price(5), usage, None, report), usage, None, report)
    assert cost_usd_of(row, price(listed)) == expected


def test_a_row_of_an_older_release_is_not_charged_more_at_the_same_price() -> None:
    """It was charged by the list though the proxy calculated more."""
    price = Price(1, (PriceTier(0, Rates(10**6, 0)),))
    usage = Usage(10**6, 0)
    told = structs.replace(usage, provider_cost_pico_usd=9 * 10**12)
    row = row_of(charge(price, usage, None), told, None, CostReport.CALCULATION)
    assert cost_usd_of(row, price) == row["cost_total_usd"]
