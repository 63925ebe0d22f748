"""What billing is told of a row of usage, of an adjustment of it, or of a budget. Pure.

`id` is the row's request id (for an adjustment with its number behind a colon): a receiver that
keeps it takes each event once, however often it is sent.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from shared.ledger.rows_as_text import numeral

LAGO_CODE = "llm_usage"
"""The code of the billable metric in Lago that takes the events."""

_CENTS = 100
_encode = msgspec.json.Encoder().encode


class BillingEvent(msgspec.Struct, frozen=True):
    """`amount_usd` is the cost of the row, or what an adjustment adds to it (or takes from it).

    `budget`: it is not of a row, but says how much of a budget is used; `limit_usd` is a numeral.
    """

    outbox_id: int
    request_id: str
    adjustment_id: int | None
    created_at: datetime
    amount_usd: Decimal
    user_id: str
    team_id: str | None
    provider: str | None
    model: str | None
    power_level: str | None
    access_token_id: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_quality: str | None
    price_version: int | None
    budget: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        if self.adjustment_id is None:
            return self.request_id
        return f"{self.request_id}:{self.adjustment_id}"


def webhook_body(event: BillingEvent) -> bytes:
    """`{"type", "timestamp", "data"}` (standardwebhooks.com); money is an exact number."""
    if event.budget is not None:
        limit = msgspec.Raw(event.budget["limit_usd"].encode())
        said = {**event.budget, "limit_usd": limit}
        return _encode(
            {"type": "budget.reached", "timestamp": _iso(event.created_at), "data": said}
        )
    kind = "usage.recorded" if event.adjustment_id is None else "usage.adjusted"
    return _encode({"type": kind, "timestamp": _iso(event.created_at), "data": _data(event)})


def lago_body(event: BillingEvent) -> bytes:
    """The body of Lago's POST /api/v1/events (getlago.com, api-reference/events/usage).

    The subscription is the user's; the amount stands in cents, exact, for a dynamic charge.
    """
    return _encode(
        {
            "event": {
                "transaction_id": event.id,
                "external_subscription_id": event.user_id,
                "code": LAGO_CODE,
                "timestamp": f"{event.created_at.timestamp():.3f}",
                "precise_total_amount_cents": numeral(event.amount_usd * _CENTS),
                "properties": {
                    name: str(value) if name == "amount_usd" else value
                    for name, value in _data(event, money=numeral(event.amount_usd)).items()
                },
            }
        }
    )


def _data(event: BillingEvent, money: Any = None) -> dict[str, Any]:
    known = msgspec.structs.asdict(event)
    del known["outbox_id"], known["budget"]
    known["created_at"] = _iso(event.created_at)
    known["amount_usd"] = money or msgspec.Raw(numeral(event.amount_usd).encode())
    return known


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
