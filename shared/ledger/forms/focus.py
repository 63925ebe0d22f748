"""Rows of usage as charges in the columns that finance tools read. Pure.

Source: FOCUS 1.2, the FinOps Open Cost and Usage Specification (specification/columns of tag v1.2
of FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec): every mandatory column, those conditional ones that
a gateway can fill, and our own with `x_` before them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

Row = Mapping[str, Any]

COLUMNS: Final = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart"),
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceIssuerName"),
    *("ListCost", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName"),
    *("PublisherName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory"),
    *("ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId"),
    *("SubAccountId", "SubAccountName", "Tags"),
    *("x_RequestId", "x_UserId", "x_EndUser", "x_AccessTokenId", "x_PowerLevel", "x_CostQuality"),
)

_PLATFORM: Final = "platform"
_TOKENS_A_UNIT: Final = 1_000_000


class _Meter(NamedTuple):
    """What is charged for; `tokens` None: nothing that is counted."""

    name: str
    cost: Decimal
    tokens: int | None


def charges(row: Row) -> Iterator[dict[str, Any]]:
    """A charge for each thing that cost something; together they are what the row cost, adjustments
    too. A row without a cost, and a simulated one, has none.

    A row that its user paid for by an own key is a charge of that user's billing account, every
    other one of the billing account `platform`.
    """
    if row["cost_total_usd"] is None or row["is_simulated"]:
        return
    for meter in _meters(row):
        yield _charge(row, meter, "Usage")
    if row["adjustments_usd"]:
        yield _charge(row, _Meter("Adjustment", row["adjustments_usd"], None), "Adjustment")


def _meters(row: Row) -> Iterator[_Meter]:
    told = Decimal(0)
    for name, cost, tokens in (
        ("Input tokens", row["cost_input_usd"], row["prompt_tokens"]),
        ("Output tokens", row["cost_output_usd"], row["completion_tokens"]),
    ):
        if cost is not None:
            told += cost
            yield _Meter(name, cost, tokens)
    # Searches, calls of tools, and what a provider charged above its list.
    if row["cost_total_usd"] != told:
        yield _Meter("Requests", row["cost_total_usd"] - told, None)


def _charge(row: Row, meter: _Meter, category: str) -> dict[str, Any]:
    starts: datetime = row["created_at"].astimezone(UTC)
    is_counted = meter.tokens is not None
    account = _PLATFORM if row["billed_to"] != "user" else f"user:{row['user_id']}"
    sku = f"{row['provider']}/{row['model']}"
    month = starts.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    said = {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), meter.cost),
        "BillingAccountId": account,
        "BillingAccountName": account,
        "BillingCurrency": "USD",
        "BillingPeriodStart": _moment(month),
        "BillingPeriodEnd": _moment((month + timedelta(days=32)).replace(day=1)),
        "ChargeCategory": category,
        "ChargeDescription": f"{meter.name} of {sku}",
        "ChargePeriodStart": _moment(starts),
        "ChargePeriodEnd": _moment(starts + timedelta(seconds=1)),
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": meter.tokens,
        "ConsumedUnit": "Tokens" if is_counted else None,
        "PricingCategory": "Standard" if category == "Usage" else None,
        "PricingQuantity": Decimal(meter.tokens or 0) / _TOKENS_A_UNIT if is_counted else None,
        "PricingUnit": f"{_TOKENS_A_UNIT} Tokens" if is_counted else None,
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), row["provider"]),
        "ResourceId": sku,
        "ResourceName": row["model"],
        "ResourceType": "Model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": row["provider"],
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"{sku}#{meter.name}",
        "SkuMeter": meter.name,
        "SubAccountId": row["team_id"],
        "SubAccountName": row["team_id"],
        "Tags": dict.fromkeys(row["tags"], True) if row["tags"] else None,
        "x_RequestId": row["request_id"],
        "x_UserId": row["user_id"],
        "x_EndUser": row["end_user"],
        "x_AccessTokenId": row["key_id"],
        "x_PowerLevel": row["power_level"],
        "x_CostQuality": row["cost_quality"],
    }
    return {name: said.get(name) for name in COLUMNS}


def _moment(moment: datetime) -> str:
    """To the second, as its Date/Time Format says."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
