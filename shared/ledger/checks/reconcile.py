"""Two checks of the ledger: our costs against what providers say, and the sums against the rows."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from shared.ledger.filters import UsageFilters, where_daily, where_log
from shared.ledger.reprice import read_history
from shared.pricing.charge import CostQuality
from shared.pricing.history import list_usd_of


class Compared(msgspec.Struct, frozen=True):
    """Rows of a model of which the provider reports a cost; `apart`: by more than is allowed.

    `ours_usd` is by tokens and list price, `theirs_usd` what the provider says, `charged_usd` what
    was charged: one of the two.
    """

    provider: str | None
    model: str | None
    rows: int
    apart: int
    ours_usd: Decimal
    theirs_usd: Decimal
    charged_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        return self.ours_usd - self.theirs_usd


class Opinions(NamedTuple):
    """Of one row: what it costs by us and by the provider, and what was charged."""

    request_id: str
    created_at: datetime
    provider: str | None
    model: str | None
    ours_usd: Decimal
    theirs_usd: Decimal
    charged_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        return self.ours_usd - self.theirs_usd

    def is_apart(self, share: Decimal, usd: Decimal) -> bool:
        """By more than `share` of the greater and `usd` besides."""
        allowed = share * max(self.ours_usd, self.theirs_usd) + usd
        return abs(self.difference_usd) > allowed


class Drift(msgspec.Struct, frozen=True):
    """A day whose sums are not those of its rows. It must never happen."""

    day: date
    rows: int
    summed_rows: int
    cost_usd: Decimal
    summed_cost_usd: Decimal


_REPORTED = sql.SQL(
    """
    SELECT log.*, provider.provider_slug AS provider,
        coalesce(model.model_id, log.model_served) AS model,
        log.cost_total_usd + coalesce((SELECT sum(amount_usd) FROM usage_adjustments AS adjusted
            WHERE adjusted.request_id = log.request_id), 0) AS charged_usd
    FROM (SELECT * FROM llm_usage_logs AS log WHERE {where} AND state = 'final'
        AND provider_cost_usd IS NOT NULL AND cost_total_usd IS NOT NULL) AS log
    LEFT JOIN llm_providers AS provider ON provider.id = log.provider_id
    LEFT JOIN llm_models AS model ON model.id = log.model_id
    """
)
_ROWS_AT_ONCE = 1000


def opinions(connection: psycopg.Connection[Any], filters: UsageFilters) -> Iterator[Opinions]:
    """The rows of which a provider reports a cost; those that we have no price for are left out.

    Ours is what was charged, with its adjustments, or where the provider's figure was charged, the
    list price of its token counts. Raises psycopg.Error.
    """
    history = read_history(connection)
    where, values = where_log(filters)
    with (
        connection.transaction(),
        connection.cursor("reported", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_REPORTED.format(where=where), values)
        for row in cursor:
            ours = row["charged_usd"]
            if row["cost_quality"] == CostQuality.PROVIDER_REPORTED:
                ours = list_usd_of(row, history.at(row["model_id"], row["created_at"]))
            if ours is not None:
                yield Opinions(
                    request_id=row["request_id"],
                    created_at=row["created_at"],
                    provider=row["provider"],
                    model=row["model"],
                    ours_usd=ours,
                    theirs_usd=row["provider_cost_usd"],
                    charged_usd=row["charged_usd"],
                )


def compare(
    connection: psycopg.Connection[Any], filters: UsageFilters, *, share: Decimal, usd: Decimal
) -> list[Compared]:
    """By model, the widest apart first. Allowed is `share` of the greater and `usd` besides."""
    sums: dict[tuple[str | None, str | None], Compared] = {}
    nothing = Decimal(0)
    for one in opinions(connection, filters):
        key = (one.provider, one.model)
        held = sums.get(key) or Compared(*key, 0, 0, nothing, nothing, nothing)
        sums[key] = Compared(
            *key,
            held.rows + 1,
            held.apart + one.is_apart(share, usd),
            held.ours_usd + one.ours_usd,
            held.theirs_usd + one.theirs_usd,
            held.charged_usd + one.charged_usd,
        )
    return sorted(
        sums.values(),
        key=lambda one: (-abs(one.difference_usd), one.provider or "", one.model or ""),
    )


def rows_apart(
    connection: psycopg.Connection[Any],
    filters: UsageFilters,
    *,
    share: Decimal,
    usd: Decimal,
    limit: int,
) -> list[Mapping[str, Any]]:
    """The rows that are apart, the widest first."""
    found = heapq.nsmallest(
        limit,
        (one for one in opinions(connection, filters) if one.is_apart(share, usd)),
        key=lambda one: (-abs(one.difference_usd), one.request_id),
    )
    return [{**one._asdict(), "difference_usd": one.difference_usd} for one in found]


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
