"""Rows of usage as they are shown, a page at a time by the key, never by an offset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from shared.db.connect import Database
from shared.ledger.filters import UsageFilters, where_log

Row = Mapping[str, Any]

COLUMNS = (
    *("request_id", "created_at", "state", "user_id", "team_id", "end_user", "tags"),
    *("endpoint", "provider", "model"),
    *("model_requested", "model_served", "service_tier", "power_level", "task_type"),
    *("key_id", "user_key_id", "used_byok", "billed_to", "is_simulated"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens"),
    *("cache_write_1h_tokens", "reasoning_tokens", "prompt_audio_tokens"),
    *("completion_audio_tokens", "cost_input_usd", "cost_output_usd", "cost_total_usd"),
    *("cost_estimated_usd", "cost_quality", "price_version", "provider_cost_usd"),
    *("adjustments_usd", "overrun_usd", "quote_id"),
    *("latency_ms", "ttft_ms", "overhead_us", "tokens_per_second", "status_code"),
    *("error_message", "error_detail", "was_fallback", "fallback_reason", "attempts", "session_id"),
    *("billed_at", "lago_event_id"),
)
"""What is shown of a row, in order; neither an address nor a user agent is."""

_RENAMED = {
    "provider": "provider.provider_slug",
    "model": "coalesce(model.model_id, page.model_served)",
    "key_id": "page.access_token_id",
    "adjustments_usd": (
        "(SELECT sum(amount_usd) FROM usage_adjustments AS adjusted"
        " WHERE adjusted.request_id = page.request_id)"
    ),
}


class RowKey(NamedTuple):
    """By what the log is ordered, and a page goes on."""

    created_at: datetime
    request_id: str


def _expression(name: str) -> sql.Composable:
    renamed: Any = _RENAMED.get(name)
    source = sql.SQL(renamed) if renamed else sql.SQL("page.") + sql.Identifier(name)
    return source + sql.SQL(" AS ") + sql.Identifier(name)


_SELECT = sql.SQL(
    """
    SELECT {columns}
    FROM (
        SELECT * FROM llm_usage_logs WHERE {where}
        ORDER BY created_at {direction}, request_id {direction} LIMIT %(limit)s
    ) AS page
    LEFT JOIN llm_providers AS provider ON provider.id = page.provider_id
    LEFT JOIN llm_models AS model ON model.id = page.model_id
    ORDER BY page.created_at {direction}, page.request_id {direction}
    """
)
# The first bound is for the planner: it keeps it out of other months.
_AFTER = {
    "DESC": "created_at <= %(at)s AND (created_at, request_id) < (%(at)s, %(id)s)",
    "ASC": "created_at >= %(at)s AND (created_at, request_id) > (%(at)s, %(id)s)",
}


def statement(
    filters: UsageFilters, *, after: RowKey | None, limit: int, newest_first: bool
) -> tuple[sql.Composed, dict[str, Any]]:
    """The query of one page, and its values."""
    direction = "DESC" if newest_first else "ASC"
    where, values = where_log(filters)
    if after is not None:
        behind: Any = _AFTER[direction]
        where = sql.SQL(" AND ").join((where, sql.SQL(behind)))
        values |= {"at": after.created_at, "id": after.request_id}
    query = _SELECT.format(
        columns=sql.SQL(", ").join(map(_expression, COLUMNS)),
        where=where,
        direction=sql.SQL(direction),
    )
    return query, {**values, "limit": limit}


async def read_page(
    connection: psycopg.AsyncConnection[Any],
    filters: UsageFilters,
    *,
    after: RowKey | None,
    limit: int,
    newest_first: bool = True,
) -> list[Row]:
    """Up to `limit` rows behind `after`. Raises psycopg.Error."""
    query, values = statement(filters, after=after, limit=limit, newest_first=newest_first)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return [*await cursor.fetchall()]


def read_page_at_once(
    connection: psycopg.Connection[Any],
    filters: UsageFilters,
    *,
    after: RowKey | None,
    limit: int,
) -> list[Row]:
    """`read_page`, oldest first, on a connection that is not asynchronous."""
    query, values = statement(filters, after=after, limit=limit, newest_first=False)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, values)
        return [*cursor.fetchall()]


async def page_of(
    database: Database, filters: UsageFilters, *, after: RowKey | None, limit: int
) -> tuple[list[Row], RowKey | None]:
    """Up to `limit` rows behind `after`, newest first, and where the next page goes on, if it does.

    Raises psycopg.OperationalError.
    """
    async with database.report() as connection:
        rows = await read_page(connection, filters, after=after, limit=limit + 1)
    page = rows[:limit]
    return page, key_of(page[-1]) if len(rows) > limit else None


def key_of(row: Row) -> RowKey:
    return RowKey(row["created_at"], row["request_id"])
