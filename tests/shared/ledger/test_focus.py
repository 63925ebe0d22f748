"""Charges in FOCUS' columns come to what the rows cost, and fill what FOCUS 1.2 demands."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.forms.focus import COLUMNS, charges
from shared.ledger.pages import COLUMNS as ROW_COLUMNS
from shared.ledger.rows_as_text import Format, encode_rows, header

# Mandatory and "Allows nulls: False" in specification/columns of v1.2.
NEVER_NULL = (
    *("BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart"),
    *("ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "ProviderName"),
    *("PublisherName", "ServiceCategory", "ServiceName"),
)
MAY_BE_NULL = (
    *("BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"),
)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def row(**changes: Any) -> dict[str, Any]:
    known = {
        "created_at": datetime(2026, 12, 31, 23, 59, 59, 900_000, UTC),
        "request_id": "r-1",
        "user_id": "ada",
        "team_id": "search",
        "end_user": None,
        "tags": ["job:nightly"],
        "provider": "openai",
        "model": "gpt-4o",
        "key_id": 3,
        "billed_to": "platform",
        "is_simulated": False,
        "power_level": "balanced",
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "cost_input_usd": Decimal("0.0015"),
        "cost_output_usd": Decimal("0.0010"),
        "cost_total_usd": Decimal("0.0025"),
        "cost_quality": "measured",
        "adjustments_usd": None,
    }
    return {**dict.fromkeys(ROW_COLUMNS), **known, **changes}


def test_a_row_is_a_charge_for_input_and_one_for_output() -> None:
    first, second = charges(row())
    assert [first["SkuId"], second["SkuId"]] == [
        "openai/gpt-4o#Input tokens",
        "openai/gpt-4o#Output tokens",
    ]
    assert (first["ConsumedQuantity"], first["ConsumedUnit"]) == (1000, "Tokens")
    assert (first["PricingQuantity"], first["PricingUnit"]) == (Decimal("0.001"), "1000000 Tokens")
    assert (first["BilledCost"], second["BilledCost"]) == (Decimal("0.0015"), Decimal("0.0010"))
    assert (first["BillingPeriodStart"], first["BillingPeriodEnd"]) == (
        "2026-12-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
    )
    assert first["ChargePeriodStart"] == "2026-12-31T23:59:59Z"
    assert first["Tags"] == {"job:nightly": True}
    assert first["SubAccountId"] == "search"


@pytest.mark.parametrize(
    ("changes", "meters"),
    [
        ({"cost_total_usd": Decimal("0.0125")}, ["Input tokens", "Output tokens", "Requests"]),
        ({"adjustments_usd": Decimal("-0.001")}, ["Input tokens", "Output tokens", "Adjustment"]),
        ({"cost_input_usd": None, "cost_output_usd": None}, ["Requests"]),
        ({"cost_total_usd": None}, []),
        ({"is_simulated": True}, []),
    ],
)
def test_what_else_cost_something_is_a_charge_of_its_own(
    changes: dict[str, Any], meters: list[str]
) -> None:
    assert [charge["SkuMeter"] for charge in charges(row(**changes))] == meters


def test_who_paid_by_an_own_key_is_another_billing_account() -> None:
    accounts = {one["BillingAccountId"] for one in charges(row(billed_to="user"))}
    assert accounts == {"user:ada"}


MONEY = st.decimals(min_value=0, max_value=1000, places=12)


@given(MONEY, MONEY, MONEY, st.none() | MONEY)
def test_charges_come_to_what_the_row_cost(
    cost_input: Decimal, cost_output: Decimal, total: Decimal, adjusted: Decimal | None
) -> None:
    found = [
        *charges(
            row(
                cost_input_usd=cost_input,
                cost_output_usd=cost_output,
                cost_total_usd=total,
                adjustments_usd=adjusted,
            )
        )
    ]
    assert sum(one["BilledCost"] for one in found) == total + (adjusted or 0)
    for one in found:
        assert None not in [one[name] for name in NEVER_NULL]
        assert all(MOMENT.fullmatch(one[name]) for name in COLUMNS if "Period" in name)


def test_every_mandatory_column_stands_in_the_header_and_every_cell_under_its_own() -> None:
    text = header(Format.FOCUS) + encode_rows([row(model="=SUM(A1)")], Format.FOCUS)
    first, second = csv.DictReader(io.StringIO(text.decode()))
    assert {*NEVER_NULL, *MAY_BE_NULL} <= set(first)
    assert (first["BilledCost"], second["BilledCost"]) == ("0.0015", "0.001")
    assert first["Tags"] == '{"job:nightly":true}'
    assert first["ResourceName"] == "'=SUM(A1)", "nothing that a spreadsheet would run"
