"""Two checks of the ledger: our costs against what providers say, and the sums against the rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from shared.ledger.filters import UsageFilters, where_daily, where_log


class Compared(msgspec.Struct, frozen=True):
    """Rows of a model of which the provider reports a cost; `apart`: by more than is allowed."""

    provider: str | None
    model: str | None
    rows: int
    apart: int
    ours_usd: Decimal
    theirs_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        return self.ours_usd - self.theirs_usd


class Drift(msgspec.Struct, frozen=True):
    """A day whose sums are not those of its rows. It must never happen."""

    day: date
    rows: int
    summed_rows: int
    cost_usd: Decimal
    summed_cost_usd: Decimal


# Ours with its adjustments. A row that was charged what the provider said has no second opinion.
_OPINIONS = sql.SQL(
    """
    SELECT log.request_id, log.created_at, log.provider_id, log.model_id, log.model_served,
        log.provider_cost_usd AS theirs_usd,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS ours_usd
    FROM llm_usage_logs AS log
    WHERE {where} AND state = 'final' AND provider_cost_usd IS NOT NULL
        AND cost_total_usd IS NOT NULL AND cost_quality <> 'provider_reported'
    """
)
_IS_APART = sql.SQL(
    "abs(ours_usd - theirs_usd) > %(share)s * greatest(ours_usd, theirs_usd) + %(usd)s"
)
_NAMES = sql.SQL(
    " LEFT JOIN llm_providers AS provider ON provider.id = opinion.provider_id"
    " LEFT JOIN llm_models AS model ON model.id = opinion.model_id"
)
_MODEL = sql.SQL("coalesce(model.model_id, opinion.model_served)")


def compare(
    connection: psycopg.Connection[Any], filters: UsageFilters, *, share: Decimal, usd: Decimal
) -> list[Compared]:
    """By model, the widest apart first. Allowed is `share` of the greater and `usd` besides."""
    where, values = where_log(filters)
    query = sql.SQL(
        "SELECT provider.provider_slug AS provider, {model} AS model, count(*) AS rows,"
        " count(*) FILTER (WHERE {apart}) AS apart, sum(ours_usd) AS ours_usd,"
        " sum(theirs_usd) AS theirs_usd FROM ({opinions}) AS opinion {names}"
        " GROUP BY 1, 2 ORDER BY abs(sum(ours_usd) - sum(theirs_usd)) DESC, 1, 2"
    ).format(model=_MODEL, apart=_IS_APART, opinions=_OPINIONS.format(where=where), names=_NAMES)
    with connection.cursor(row_factory=class_row(Compared)) as cursor:
        return cursor.execute(query, {**values, "share": share, "usd": usd}).fetchall()


def rows_apart(
    connection: psycopg.Connection[Any],
    filters: UsageFilters,
    *,
    share: Decimal,
    usd: Decimal,
    limit: int,
) -> list[Mapping[str, Any]]:
    """The rows that are apart, the widest first."""
    where, values = where_log(filters)
    query = sql.SQL(
        "SELECT opinion.request_id, opinion.created_at, provider.provider_slug AS provider,"
        " {model} AS model, ours_usd, theirs_usd, ours_usd - theirs_usd AS difference_usd"
        " FROM ({opinions}) AS opinion {names} WHERE {apart}"
        " ORDER BY abs(ours_usd - theirs_usd) DESC, opinion.request_id LIMIT %(limit)s"
    ).format(model=_MODEL, apart=_IS_APART, opinions=_OPINIONS.format(where=where), names=_NAMES)
    with connection.cursor(row_factory=dict_row) as cursor:
        asked = {**values, "share": share, "usd": usd, "limit": limit}
        return [*cursor.execute(query, asked).fetchall()]


def drifts(connection: psycopg.Connection[Any], filters: UsageFilters) -> list[Drift]:
    """Days of whole days `filters` whose sums are not those of their rows and adjustments."""
    log, values = where_log(filters)
    daily, _ = where_daily(filters)
    query = sql.SQL(
        """
        SELECT day, coalesce(log.rows, 0) AS rows, coalesce(daily.rows, 0)::bigint AS summed_rows,
            coalesce(log.cost, 0) AS cost_usd, coalesce(daily.cost, 0) AS summed_cost_usd
        FROM (
            SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS rows,
                coalesce(sum(cost_total_usd), 0) + coalesce(sum((
                    SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
                    WHERE adjusted.request_id = log.request_id)), 0) AS cost
            FROM llm_usage_logs AS log WHERE {log} GROUP BY 1
        ) AS log
        FULL JOIN (
            SELECT day, sum(requests) AS rows, sum(cost_total_usd + adjustments_usd) AS cost
            FROM usage_daily WHERE {daily} GROUP BY 1 HAVING sum(requests) <> 0
                OR sum(cost_total_usd + adjustments_usd) <> 0
        ) AS daily USING (day)
        WHERE coalesce(log.rows, 0) <> coalesce(daily.rows, 0)
            OR coalesce(log.cost, 0) <> coalesce(daily.cost, 0)
        ORDER BY day
        """
    ).format(log=log, daily=daily)
    with connection.transaction(), connection.cursor(row_factory=class_row(Drift)) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return cursor.execute(query, values).fetchall()
