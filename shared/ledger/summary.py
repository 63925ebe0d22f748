"""Sums of usage by what is asked for, over the daily sums: a month is thousands of rows, not
millions. What those do not tell apart is summed over the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from shared.db.connections import Reports
from shared.db.rollups import DAILY_KEYS, DAILY_SUMS, smallest_with
from shared.errors import InvalidField
from shared.ledger.filters import UsageFilters, daily_columns, where_daily, where_log
from shared.ledger.statements import SUMS_OF_ROWS

Row = Mapping[str, Any]

MAX_GROUPS = 10_000

_UNLISTED = ("model_name", "model_provider_id")
"""What tells models apart that have no id, for nobody listed them: only the log has it."""

# What is grouped by, and how it is shown: columns of the sums, then of the tables they name.
_GROUPS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "day": (("day",), ("held.day",)),
    "model": (
        ("model_id", *_UNLISTED),
        ("coalesce(model.model_id, held.model_name) AS model", "owner.provider_slug AS provider"),
    ),
    "provider": (("provider_id",), ("provider.provider_slug AS provider",)),
    "power_level": (("power_level",), ("held.power_level",)),
    "key": (("access_token_id",), ("held.access_token_id AS key_id", "token.name AS key_name")),
    "team": (("team_id",), ("held.team_id AS team",)),
    "user": (("user_id",), ("held.user_id AS user",)),
    "end_user": (("end_user",), ("held.end_user",)),
    "tag": (("tag",), ("held.tag",)),
}
GROUPS = tuple(_GROUPS)

_JOINS: Mapping[str, str] = {
    "model": (
        " LEFT JOIN llm_models AS model ON model.id = held.model_id"
        " LEFT JOIN llm_providers AS owner"
        " ON owner.id = coalesce(model.provider_id, held.model_provider_id)"
    ),
    "provider": " LEFT JOIN llm_providers AS provider ON provider.id = held.provider_id",
    "key": " LEFT JOIN access_tokens AS token ON token.id = held.access_token_id",
}
_SUMS: Mapping[str, str] = {
    **{
        name: f"sum({name})::bigint"
        for name in (
            *("requests", "indeterminate_requests", "unpriced_requests", "estimated_requests"),
            *("provider_reported_requests", "repriced_requests", "prompt_tokens"),
            *("completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens"),
            "reasoning_tokens",
        )
    },
    "simulated_requests": "coalesce(sum(requests) FILTER (WHERE is_simulated), 0)::bigint",
    "cost_usd": "sum(cost_total_usd)",
    "adjustments_usd": "sum(adjustments_usd)",
    "billed_usd": (
        "coalesce(sum(cost_total_usd + adjustments_usd)"
        " FILTER (WHERE billed_to = 'platform' AND NOT is_simulated), 0)"
    ),
}
SUMS = tuple(_SUMS)
"""`cost_usd` is at our prices, whoever paid; `billed_usd` what the platform paid and bills."""

ONLY_IN_LOG = frozenset({"end_user", "tag"})
"""Columns that no table of daily sums has. An end user is anybody's word, and a day of theirs would
be nearly a row: kept daily, they would be the log a second time.
"""

_ADJUSTED = sql.SQL(
    """
    LEFT JOIN (
        SELECT request_id, sum(amount_usd) AS amount_usd FROM usage_adjustments GROUP BY request_id
    ) AS adjusted USING (request_id)
    """
)
# A row counts for each of its tags; one that has none, for none.
_TAGGED = sql.SQL(
    " LEFT JOIN LATERAL jsonb_array_elements_text("
    "CASE jsonb_typeof(log.tags) WHEN 'array' THEN log.tags END) AS tag ON true"
)
_UNLISTED_IN_LOG: Mapping[str, sql.Composable] = {
    "model_name": sql.SQL("CASE WHEN model_id IS NULL THEN model_served END AS model_name"),
    "model_provider_id": sql.SQL(
        "CASE WHEN model_id IS NULL THEN provider_id END AS model_provider_id"
    ),
}
_ADJUSTMENTS = sql.SQL(
    "coalesce(sum(adjusted.amount_usd), 0) AS adjustments_usd, count(adjusted.amount_usd)"
    " FILTER (WHERE state = 'final' AND cost_total_usd IS NULL) AS repriced_requests"
)


def statement(filters: UsageFilters, groups: Sequence[str]) -> tuple[sql.Composed, dict[str, Any]]:
    """The query of the sums by `groups`, each one of GROUPS, and its values."""
    keys = [key for name in groups for key in _GROUPS[name][0]]
    # A model shows its provider; beside a group by provider that is said once.
    shown = dict.fromkeys(
        column
        for name in groups
        for column in _GROUPS[name][1]
        if not (column.startswith("owner.") and "provider" in groups)
    )
    by = ", ".join(keys)
    text: Any = (
        f"SELECT {', '.join([*shown, *(f'held.{name}' for name in SUMS)])} FROM ("  # noqa: S608  all of it from the tables above
        f"SELECT {''.join(f'{key}, ' for key in keys)}"
        f"{', '.join(f'{expression} AS {name}' for name, expression in _SUMS.items())}"
        " FROM {source}"
        f"{f' GROUP BY {by}' if keys else ''} HAVING count(*) > 0"
        f"{f' ORDER BY {by}' if keys else ''} LIMIT %(limit)s) AS held"
        f"{''.join(_JOINS.get(name, '') for name in groups)}"
        f"{' ORDER BY ' + ', '.join(f'held.{key}' for key in keys) if keys else ''}"
    )
    source, values = _source(filters, keys)
    return sql.SQL(text).format(source=source), {**values, "limit": MAX_GROUPS + 1}


def _source(filters: UsageFilters, keys: Sequence[str]) -> tuple[sql.Composed, dict[str, Any]]:
    """What is summed: the smallest table that tells `keys` apart, or the log."""
    asked = {name for name in ONLY_IN_LOG if getattr(filters, name) is not None}
    if not ONLY_IN_LOG.isdisjoint({*keys, *asked}):
        return log_sums(filters, keys)
    known = [key for key in keys if key not in _UNLISTED]
    where, values = where_daily(filters)
    table = sql.Identifier(smallest_with({*known, *daily_columns(filters)}))
    if len(known) == len(keys) and filters.model is None:
        return sql.SQL("{} WHERE {}").format(table, where), values
    unlisted, more = log_sums(filters, {*keys, *_UNLISTED}, unlisted=True)
    columns = dict.fromkeys([*known, "billed_to", "is_simulated", *DAILY_SUMS])
    daily = sql.SQL(
        "(SELECT {columns}, NULL::text AS model_name, NULL::bigint AS model_provider_id"
        " FROM {table} WHERE {where} AND model_id IS NOT NULL"
        " UNION ALL SELECT {columns}, model_name, model_provider_id FROM {unlisted}) AS every"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=table,
        where=where,
        unlisted=unlisted,
    )
    return daily, {**values, **more}


def log_sums(
    filters: UsageFilters, keys: Collection[str], *, unlisted: bool = False
) -> tuple[sql.Composed, dict[str, Any]]:
    """A FROM item with the columns of usage_daily, `end_user`, and those of `tag`, `model_name` and
    `model_provider_id` that are among `keys`; and its values.

    Its rows are those of `filters` already, or with `unlisted` those of models without an id.
    """
    where, values = where_log(filters)
    if unlisted:
        where += sql.SQL(" AND model_id IS NULL")
    by = [*DAILY_KEYS, "end_user", *(key for key in ("tag", *_UNLISTED) if key in keys)]
    names = sql.SQL(", ").join(map(sql.Identifier, by))
    columns = sql.SQL(", ").join(_UNLISTED_IN_LOG.get(one, sql.Identifier(one)) for one in by)
    sums = sql.SQL(", ").join(
        sql.SQL(expression) + sql.SQL(" AS ") + sql.Identifier(name)
        for name, expression in SUMS_OF_ROWS.items()
    )
    query = sql.SQL(
        "(SELECT (log.created_at AT TIME ZONE 'UTC')::date AS day, {columns}, {sums}, {adjustments}"
        " FROM (SELECT * FROM llm_usage_logs WHERE {where}) AS log {adjusted}{tagged}"
        " GROUP BY day, {names}) AS summed"
    ).format(
        columns=columns,
        names=names,
        sums=sums,
        adjustments=_ADJUSTMENTS,
        where=where,
        adjusted=_ADJUSTED,
        tagged=_TAGGED if "tag" in keys else sql.SQL(""),
    )
    return query, values


async def read_summary(
    connection: psycopg.AsyncConnection[Any], filters: UsageFilters, groups: Sequence[str]
) -> list[Row]:
    """The sums of each group, in the order of `groups`; more than MAX_GROUPS are not all of them.

    Raises psycopg.Error.
    """
    query, values = statement(filters, groups)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return [*await cursor.fetchall()]


class Summary(NamedTuple):
    """The sums of each group, and over all of them."""

    groups: list[Row]
    total: Row


async def summary_of(database: Reports, filters: UsageFilters, groups: Sequence[str]) -> Summary:
    """The sums by `groups`, each one of GROUPS.

    Raises InvalidField for more than MAX_GROUPS of them, psycopg.OperationalError.
    """
    async with database.report() as connection:
        rows = await read_summary(connection, filters, groups)
        # A row with two tags is in two groups, and once in the total.
        total = await read_summary(connection, filters, ()) if "tag" in groups else rows
    if len(rows) > MAX_GROUPS:
        raise InvalidField(
            f"That is more than {MAX_GROUPS} groups; ask for fewer days or a coarser group_by.",
            param="group_by",
        )
    return Summary(
        rows, {name: sum((row[name] for row in total), start=_zero(name)) for name in SUMS}
    )


def _zero(name: str) -> Any:
    return Decimal(0) if name.endswith("_usd") else 0


_HOURS = sql.SQL(
    "SELECT extract(isodow FROM hour)::int, extract(hour FROM hour)::int, sum(requests)::bigint"
    # By the hour first: a million rows are then divided once, not twice.
    " FROM (SELECT date_trunc('hour', created_at AT TIME ZONE 'UTC') AS hour, count(*) AS requests"
    " FROM llm_usage_logs WHERE {where} GROUP BY 1) AS counted GROUP BY 1, 2"
)


async def hours_of(database: Reports, filters: UsageFilters) -> Sequence[Sequence[int]]:
    """Seven days, Monday first, of 24 hours of UTC. Raises psycopg.OperationalError."""
    where, values = where_log(filters)
    week = [[0] * 24 for _ in range(7)]
    async with database.report() as connection:
        cursor = await connection.execute(_HOURS.format(where=where), values)
        for day, hour, requests in await cursor.fetchall():
            week[day - 1][hour] = requests
    return week
