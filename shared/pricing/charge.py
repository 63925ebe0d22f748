"""What a row of usage is charged, and how well that is known.

Ours comes first where it is exact: measured tokens at the price of the model and service tier. What
the provider says it charged is kept beside it as a second opinion (`usage reconcile` compares the
two), and takes its place only where ours would be a guess or nothing at all.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.pricing.cost import cost_of, is_priced
from shared.pricing.price import Price
from shared.wire.usage import Usage


class CostQuality(StrEnum):
    """How the cost of a row is known.

    MEASURED: the provider's token counts at our price. PROVIDER_REPORTED: the provider's own
    figure, because we have no price, or no count, of our own. ESTIMATED: counted from what was
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


def charge(price: Price | None, usage: Usage | None, service_tier: str | None) -> Charge:
    """The charge for `usage` (None: nothing is known of it) at `price` (None: there is none)."""
    if usage is None:
        return _UNPRICED
    if not usage.is_estimated and usage.total_tokens == 0:
        # A refusal, or an answer that the provider says took nothing: nothing at any price.
        return Charge(CostQuality.MEASURED, 0, 0, 0, price_version=price.version if price else None)
    is_exact = price is not None and not usage.is_estimated and is_priced(price, service_tier)
    if usage.provider_cost_pico_usd is not None and not is_exact:
        return Charge(CostQuality.PROVIDER_REPORTED, total=usage.provider_cost_pico_usd)
    if price is None:
        return _UNPRICED
    cost = cost_of(price, usage, service_tier)
    return Charge(
        CostQuality.MEASURED if is_exact else CostQuality.ESTIMATED,
        cost.input,
        cost.output,
        cost.total,
        price.version,
    )
