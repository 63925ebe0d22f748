"""How a limit is shown, to an admin and to who has it; and a quote. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from functions.limits.quoter import Quoted
from shared.limits.changes import LimitRow
from shared.limits.limit import NANO_USD_PER_USD
from shared.limits.script import QUOTE_MS
from shared.limits.standing import Standing
from shared.routing.choice import expected_cost, worst_cost
from shared.wire.metadata import raw_usd

_MOST_TRIED = 3


class LimitCard(msgspec.Struct, frozen=True):
    """A null amount is no limit; USD are exact numbers."""

    id: int
    scope: str
    subject: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent_requests: int | None
    budget_day_usd: msgspec.Raw
    budget_month_usd: msgspec.Raw
    is_soft: bool
    on_budget: str
    counts_byok: bool
    time_zone: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class OwnLimit(msgspec.Struct, frozen=True):
    """`limit`, `used` and `reserved` are USD where `kind` is a budget, exact numbers.

    `reserved` is what open requests may yet use, and what is held ready for those to come.
    `resets_at`: when a budget begins again, or all of a rate is there again.
    """

    scope: str
    subject: str
    kind: str
    limit: msgspec.Raw
    used: msgspec.Raw
    reserved: msgspec.Raw
    resets_at: datetime | None


class QuotedCandidate(msgspec.Struct, frozen=True):
    """What it would cost at one that may be tried; null where nobody knows. USD, exact numbers."""

    provider: str
    model: str
    expected_cost_usd: msgspec.Raw
    worst_cost_usd: msgspec.Raw


class QuoteCard(msgspec.Struct, frozen=True):
    """The request costs `max_cost_usd` at most, whichever candidate serves it. USD, exact."""

    id: str
    expires_at: datetime
    max_cost_usd: msgspec.Raw
    expected_cost_usd: msgspec.Raw
    candidates: list[QuotedCandidate]


class DeletedLimit(msgspec.Struct, frozen=True):
    id: int
    deleted: bool = True


def own_limit(standing: Standing) -> OwnLimit:
    amounts = (standing.limit, standing.used, standing.reserved)
    if standing.kind.is_money:
        limit, used, reserved = (_usd(Decimal(one) / NANO_USD_PER_USD) for one in amounts)
    else:
        limit, used, reserved = (msgspec.Raw(str(one).encode()) for one in amounts)
    ends = standing.resets_at
    return OwnLimit(
        scope=standing.scope,
        subject=standing.subject,
        kind=standing.kind,
        limit=limit,
        used=used,
        reserved=reserved,
        resets_at=None if ends is None else datetime.fromtimestamp(ends, UTC),
    )


def quote_card(quoted: Quoted) -> QuoteCard:
    quote, (request, _, choice, *_rest) = quoted
    candidates = [
        QuotedCandidate(
            one.model.provider.slug,
            one.model.model_id,
            raw_usd(expected_cost(one, choice, request)),
            raw_usd(worst_cost(one, choice, request)),
        )
        for one in choice.candidates[:_MOST_TRIED]
    ]
    return QuoteCard(
        id=quote.id,
        expires_at=datetime.now(UTC) + timedelta(milliseconds=QUOTE_MS),
        max_cost_usd=raw_usd(quote.most_pico_usd),
        expected_cost_usd=candidates[0].expected_cost_usd,
        candidates=candidates,
    )


def limit_card(row: LimitRow) -> LimitCard:
    return LimitCard(
        id=row.id,
        scope=row.scope,
        subject=row.subject,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        concurrent_requests=row.concurrent_requests,
        budget_day_usd=_usd(row.budget_day_usd),
        budget_month_usd=_usd(row.budget_month_usd),
        is_soft=row.is_soft,
        on_budget=row.on_budget,
        counts_byok=row.counts_byok,
        time_zone=row.time_zone,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _usd(amount: Decimal | None) -> msgspec.Raw:
    """As a JSON number, without zeros at its end."""
    if amount is None:
        return msgspec.Raw(b"null")
    text = f"{amount:f}"
    return msgspec.Raw((text.rstrip("0").rstrip(".") if "." in text else text).encode())
