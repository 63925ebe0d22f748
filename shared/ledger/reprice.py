"""Late and corrected prices: an adjustment beside the row, which itself is never written over.

The price is the one in force when the request was made, or, where there was none, the first that
came after it; where the provider's own figure was charged it stays. An adjustment moves the daily
sums, the key's total and billing's outbox in its own transaction; a second run finds nothing left
to adjust.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from shared.db.rollups import DAILY_KEYS
from shared.ledger.filters import UsageFilters, where_log
from shared.ledger.rows import hold_writer
from shared.pricing.history import PriceHistory, cost_usd_of

_ROWS_AT_ONCE = 1000


class Repriced(NamedTuple):
    """`rows` looked at; `adjusted` of them cost something else now, `amount_usd` together.

    `unpriced` still have no price, or no token counts to price.
    """

    rows: int
    adjusted: int
    unpriced: int
    amount_usd: Decimal

    def plus(self, other: Repriced) -> Repriced:
        return Repriced(
            self.rows + other.rows,
            self.adjusted + other.adjusted,
            self.unpriced + other.unpriced,
            self.amount_usd + other.amount_usd,
        )


NOTHING = Repriced(0, 0, 0, Decimal(0))


class _Adjustment(NamedTuple):
    request_id: str
    usage_created_at: datetime
    amount_usd: Decimal
    price_version: int


_SELECT = sql.SQL(
    """
    SELECT log.*, coalesce(adjusted.amount_usd, 0) AS adjusted_usd, adjusted.times
    FROM llm_usage_logs AS log
    CROSS JOIN LATERAL (
        SELECT sum(amount_usd) AS amount_usd, count(*) AS times FROM usage_adjustments
        WHERE request_id = log.request_id
    ) AS adjusted
    WHERE {where} AND state = 'final' AND (%(all)s OR cost_total_usd IS NULL)
        AND (created_at, log.request_id) > (%(at)s, %(id)s) AND created_at >= %(at)s
    ORDER BY created_at, log.request_id LIMIT %(limit)s
    """
)
_INSERT = """
    INSERT INTO usage_adjustments
        (request_id, usage_created_at, amount_usd, price_version, reason, created_by)
    SELECT *, %(reason)s, %(by)s
    FROM unnest(%(ids)s::text[], %(at)s::timestamptz[], %(usd)s::numeric[], %(versions)s::int[])
    RETURNING id
"""
_FROM_ADJUSTED = sql.SQL(
    """
    FROM usage_adjustments AS adjusted
    JOIN llm_usage_logs AS log ON log.request_id = adjusted.request_id
        AND log.created_at = adjusted.usage_created_at
    WHERE adjusted.id = ANY(%(adjustments)s)
    """
)
_ADD_TO_DAILY = sql.SQL(
    """
    INSERT INTO usage_daily AS held (day, {keys}, adjustments_usd, repriced_requests)
    SELECT (log.created_at AT TIME ZONE 'UTC')::date AS day, {keys}, sum(adjusted.amount_usd),
        count(*) FILTER (WHERE log.cost_total_usd IS NULL AND NOT EXISTS (
            SELECT FROM usage_adjustments AS earlier
            WHERE earlier.request_id = adjusted.request_id AND earlier.id < adjusted.id))
    {adjusted} GROUP BY day, {keys}
    ON CONFLICT (day, {keys}) DO UPDATE SET
        adjustments_usd = held.adjustments_usd + EXCLUDED.adjustments_usd,
        repriced_requests = held.repriced_requests + EXCLUDED.repriced_requests
    """
).format(keys=sql.SQL(", ").join(map(sql.Identifier, DAILY_KEYS)), adjusted=_FROM_ADJUSTED)
_QUEUE_FOR_BILLING = (
    sql.SQL(
        "INSERT INTO usage_outbox (request_id, usage_created_at, adjustment_id)"
        " SELECT adjusted.request_id, adjusted.usage_created_at, adjusted.id"
    )
    + _FROM_ADJUSTED
    + sql.SQL(" AND billed_to = 'platform' AND NOT is_simulated ON CONFLICT DO NOTHING")
)
_ADD_TO_KEYS = sql.SQL(
    """
    UPDATE user_api_keys AS held SET total_cost_usd = held.total_cost_usd + used.cost_usd
    FROM (
        SELECT user_key_id, sum(adjusted.amount_usd) AS cost_usd {adjusted}
            AND user_key_id IS NOT NULL AND NOT is_simulated
        GROUP BY user_key_id
    ) AS used
    WHERE held.id = used.user_key_id
    """
).format(adjusted=_FROM_ADJUSTED)


def read_history(connection: psycopg.Connection[Any]) -> PriceHistory:
    """Raises psycopg.Error."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT model_id, version, valid_from, prices FROM model_prices ORDER BY 1, 2"
        )
        return PriceHistory(cursor.fetchall())


def reprice(
    connection: psycopg.Connection[Any],
    filters: UsageFilters,
    *,
    every: bool,
    by: str,
    dry: bool = False,
) -> Iterator[Repriced]:
    """Adjust the rows of `filters` in batches, each in a transaction; what each batch came to.

    Rows without a cost alone, unless `every`. `by` is who asked for it. With `dry` nothing is
    written. Safe to kill and to run again. Raises psycopg.Error.
    """
    history = read_history(connection)
    after: tuple[datetime | None, str] = (None, "")
    while True:
        with connection.transaction():
            if not dry:
                hold_writer(connection)
            rows = _read(connection, filters, every, after)
            adjustments, unpriced = _adjustments(rows, history)
            if adjustments and not dry:
                _write(connection, adjustments, by)
        if not rows:
            return
        amount = sum((one.amount_usd for one in adjustments), Decimal(0))
        yield Repriced(len(rows), len(adjustments), unpriced, amount)
        after = (rows[-1]["created_at"], rows[-1]["request_id"])


def _read(
    connection: psycopg.Connection[Any],
    filters: UsageFilters,
    every: bool,
    after: tuple[datetime | None, str],
) -> list[dict[str, Any]]:
    where, values = where_log(filters)
    values |= {"all": every, "at": after[0] or "-infinity", "id": after[1], "limit": _ROWS_AT_ONCE}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SELECT.format(where=where), values).fetchall()


def _adjustments(
    rows: Sequence[Mapping[str, Any]], history: PriceHistory
) -> tuple[list[_Adjustment], int]:
    found: list[_Adjustment] = []
    unpriced = 0
    for row in rows:
        price = history.at(row["model_id"], row["created_at"])
        total_usd = cost_usd_of(row, price)
        if price is None or total_usd is None:
            unpriced += row["cost_total_usd"] is None
            continue
        amount = total_usd - (row["cost_total_usd"] or 0) - row["adjusted_usd"]
        is_first_price = row["cost_total_usd"] is None and row["times"] == 0
        if amount or is_first_price:
            found.append(_Adjustment(row["request_id"], row["created_at"], amount, price.version))
    return found, unpriced


def _write(
    connection: psycopg.Connection[Any], adjustments: Sequence[_Adjustment], by: str
) -> None:
    ids, moments, amounts, versions = map(list, zip(*adjustments, strict=True))
    inserted = connection.execute(
        _INSERT,
        {
            "ids": ids,
            "at": moments,
            "usd": amounts,
            "versions": versions,
            "reason": "repriced",
            "by": by,
        },
    ).fetchall()
    written = {"adjustments": [row[0] for row in inserted]}
    for statement in (_ADD_TO_DAILY, _QUEUE_FOR_BILLING, _ADD_TO_KEYS):
        connection.execute(statement, written)
