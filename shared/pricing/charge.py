"""What a row of usage is charged, and how well that is known.

Measured tokens at the price of the model and service tier, unless the provider reports a cost that
is better: an invoice is the cost, above or below the list; a calculation where it is above. What
anybody else reports is a second opinion (`usage reconcile` compares the two), and counts only where
ours would be a guess or nothing at all.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.pricing.cost import cost_of, is_priced
from shared.pricing.price import Price
from shared.wire.provider import CostReport
from shared.wire.usage import Usage


class CostQuality(StrEnum):
    """How the cost of a row is known.

    MEASURED: the provider's token counts at our price. PROVIDER_REPORTED: the provider's own
    figure. ESTIMATED: counted from what was
    delivered, or at the list price for want of the service tier's. UNPRICED: not known, and null,
    which is not 0.
    """

    PROVIDER_REPORTED = "provider_reported"
    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"


class Charge(msgspec.Struct, frozen=True):
    """Pico-USD. `input` and `output` are None where only their sum is known, or nothing is."""

    quality: CostQuality
    input: int | None = None
    output: int | None = None
    total: int | None = None
    price_version: int | None = None


_UNPRICED = Charge(CostQuality.UNPRICED)
# Python 3.11 looks a member up by a call, and this is asked in each request.
_MEASURED = CostQuality.MEASURED
_ESTIMATED = CostQuality.ESTIMATED
_INVOICE = CostReport.INVOICE
_CALCULATION = CostReport.CALCULATION


def charge(
    price: Price | None,
    usage: Usage | None,
    service_tier: str | None,
    report: CostReport | None = None,
) -> Charge:
    """The charge for `usage` (None: nothing is known of it) at `price` (None: there is none).

    `report`: what the cost is that the provider reports, if it does.
    """
    if usage is None:
        return _UNPRICED
    reported = usage.provider_cost_pico_usd
    if reported is not None and report is _INVOICE:
        return Charge(CostQuality.PROVIDER_REPORTED, total=reported)
    ours = _at_list(price, usage, service_tier)
    if reported is None or (ours.total is not None and _stands(ours, reported, report)):
        return ours
    if not reported and report is _CALCULATION:
        # A proxy without a price of its own calculates 0: that is no cost.
        return ours
    return Charge(CostQuality.PROVIDER_REPORTED, total=reported)


def _at_list(price: Price | None, usage: Usage, service_tier: str | None) -> Charge:
    """By tokens and price alone."""
    if not usage.is_estimated and usage.total_tokens == 0:
        # A refusal, or an answer that the provider says took nothing: nothing at any price.
        return Charge(_MEASURED, 0, 0, 0, price_version=price.version if price else None)
    if price is None:
        return _UNPRICED
    is_exact = not usage.is_estimated and is_priced(price, service_tier)
    cost = cost_of(price, usage, service_tier)
    return Charge(
        _MEASURED if is_exact else _ESTIMATED,
        cost.input,
        cost.output,
        cost.total,
        price.version,
    )


def _stands(ours: Charge, reported: int, report: CostReport | None) -> bool:
    """Whether our cost holds beside the one that was reported."""
    if report is _CALCULATION:
        return (ours.total or 0) >= reported
    return ours.quality is _MEASURED
