"""What a row of the log costs at the list price that was in force when it was made. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.pricing.charge import CostQuality, charge
from shared.pricing.price import Price, parse_price
from shared.wire.provider import CostReport
from shared.wire.providers import provider_of
from shared.wire.usage import PICO_USD_PER_USD, Usage


class PriceHistory:
    """The versions of every model's price, by when each came into force."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """`rows` of model_prices in the order of their versions; unreadable ones are left out."""
        self._of: dict[int, list[tuple[datetime, int, Price]]] = {}
        for row in rows:
            try:
                price = parse_price(row["version"], row["prices"])
            except ValueError:
                continue  # such a version prices nothing anywhere; the catalog's log names it
            self._of.setdefault(row["model_id"], []).append(
                (row["valid_from"], price.version, price)
            )
        for versions in self._of.values():
            versions.sort(key=lambda one: one[:2])

    def at(self, model_id: int | None, moment: datetime) -> Price | None:
        versions = self._of.get(model_id) if model_id is not None else None
        if not versions:
            return None
        place = bisect.bisect_right([since for since, _, _ in versions], moment)
        return versions[max(0, place - 1)][2]


def cost_usd_of(row: Mapping[str, Any], price: Price | None) -> Decimal | None:
    """What a row is charged if `price` is its price: as `charge` decided when it was served.

    None: that is not known. Where the provider's own figure was charged it is that, at any price.
    """
    if row["cost_quality"] == CostQuality.PROVIDER_REPORTED:
        return row["cost_total_usd"]
    reported = row["provider_cost_usd"] if _was_calculated(row) else None
    if reported is not None and row["cost_total_usd"] is not None:
        # It was below our cost then; a row of an older release was charged ours all the same.
        reported = min(reported, row["cost_total_usd"])
    return _usd(charge(price, _usage_of(row, reported), row["service_tier"], _CALCULATION).total)


def list_usd_of(row: Mapping[str, Any], price: Price | None) -> Decimal | None:
    """Its token counts at `price`, whatever the provider said; None: that is not known."""
    return _usd(charge(price, _usage_of(row, None), row["service_tier"]).total)


_CALCULATION = CostReport.CALCULATION


def _was_calculated(row: Mapping[str, Any]) -> bool:
    via = row["attempts"][-1].get("via") if row["attempts"] else None
    return via is not None and provider_of(via).cost_report is _CALCULATION


def _usage_of(row: Mapping[str, Any], reported_usd: Decimal | None) -> Usage | None:
    """The usage that a row of the log was charged for, as far as that is known."""
    if row["prompt_tokens"] is None or row["completion_tokens"] is None:
        return None
    reported = None if reported_usd is None else int(reported_usd * PICO_USD_PER_USD)
    return Usage(
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cached_tokens=row["cached_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        is_estimated=row["cost_quality"] == CostQuality.ESTIMATED,
        cache_write_1h_tokens=row["cache_write_1h_tokens"],
        prompt_audio_tokens=row["prompt_audio_tokens"],
        completion_audio_tokens=row["completion_audio_tokens"],
        provider_cost_pico_usd=reported,
    )


def _usd(pico_usd: int | None) -> Decimal | None:
    return None if pico_usd is None else Decimal(pico_usd).scaleb(-12)
