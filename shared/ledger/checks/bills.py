"""What a provider bills for a day against what our rows of that day cost, and why they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

from shared.wire.provider import Billed

_SETTLES_WITHIN = timedelta(days=2)
_NONE = Decimal(0)


class Ours(msgspec.Struct, frozen=True):
    """Rows of a day that the platform's own key paid for; `cost_usd` with adjustments.

    `unpriced` have no cost, of `indeterminate` ones nobody knows the end, and `estimated_usd` is
    the part of the cost that was counted here.
    """

    day: date
    requests: int = 0
    cost_usd: Decimal = _NONE
    unpriced: int = 0
    indeterminate: int = 0
    estimated_usd: Decimal = _NONE


class BillDay(msgspec.Struct, frozen=True):
    """`cause` is null where the two agree."""

    day: date
    requests: int
    ours_usd: Decimal
    billed_usd: Decimal
    difference_usd: Decimal
    cause: str | None


_OURS = """
    SELECT (log.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS requests,
        coalesce(sum(log.cost_total_usd), 0) + coalesce(sum(adjusted.usd), 0) AS cost_usd,
        count(*) FILTER (WHERE log.state = 'final'
            AND log.cost_total_usd IS NULL AND adjusted.usd IS NULL) AS unpriced,
        count(*) FILTER (WHERE log.state = 'indeterminate') AS indeterminate,
        coalesce(sum(log.cost_total_usd) FILTER (WHERE log.cost_quality = 'estimated'), 0)
            AS estimated_usd
    FROM llm_usage_logs AS log
    LEFT JOIN LATERAL (SELECT sum(amount_usd) AS usd FROM usage_adjustments
        WHERE usage_adjustments.request_id = log.request_id) AS adjusted ON true
    WHERE log.created_at >= %(start)s AND log.created_at < %(end)s AND NOT log.is_simulated
        AND log.billed_to IS DISTINCT FROM 'user'
        AND log.provider_id = (SELECT id FROM llm_providers WHERE provider_slug = %(provider)s)
    GROUP BY 1
"""


def ours_by_day(
    connection: psycopg.Connection[Any], provider: str, start: date, end: date
) -> dict[date, Ours]:
    """From `start` on, before `end`. Raises psycopg.Error."""
    values = {
        "provider": provider,
        "start": datetime.combine(start, time(), UTC),
        "end": datetime.combine(end, time(), UTC),
    }
    with connection.cursor(row_factory=class_row(Ours)) as cursor:
        return {one.day: one for one in cursor.execute(_OURS, values)}


def compare_days(
    ours: Mapping[date, Ours],
    billed: Iterable[Billed],
    *,
    start: date,
    end: date,
    today: date,
    share: Decimal,
) -> list[BillDay]:
    """Each day from `start` on, before `end`, of which either side tells something, oldest first.

    They agree where they differ by no more than `share` of the greater. Pure.
    """
    theirs: Counter[date] = Counter()
    for line in billed:
        theirs[line.day] += line.usd  # pyright: ignore[reportArgumentType]  Decimals add up alike
    days = sorted(day for day in {*ours, *theirs} if start <= day < end)
    return [
        _compared(ours.get(day) or Ours(day), Decimal(theirs[day]), today=today, share=share)
        for day in days
    ]


def _compared(ours: Ours, billed: Decimal, *, today: date, share: Decimal) -> BillDay:
    apart = billed - ours.cost_usd
    differs = abs(apart) > share * max(billed, ours.cost_usd)
    cause = _cause(ours, billed, today) if differs else None
    return BillDay(ours.day, ours.requests, ours.cost_usd, billed, apart, cause)


def _cause(ours: Ours, billed: Decimal, today: date) -> str:
    """The likeliest, as a sentence for the operator."""
    apart = billed - ours.cost_usd
    if today - ours.day < _SETTLES_WITHIN:
        return "the day is not settled yet: providers take up to two days"
    if apart > 0 and ours.unpriced:
        return f"{ours.unpriced} requests have no price: run `switchyard usage reprice`"
    if apart > 0 and ours.indeterminate:
        return f"the end of {ours.indeterminate} requests is not known"
    if abs(apart) <= ours.estimated_usd:
        return f"{ours.estimated_usd.normalize():f} USD are estimates: usage was not reported"
    if apart > 0 and not ours.requests:
        return "no request went there with the platform's key: the account has other users"
    if apart > 0:
        return "the account has other users, or the provider charges more than its list price"
    if not billed:
        return "nothing was billed: the key is of another account, or credits paid"
    return "the provider charges less than its list price: a discount, or credits"
