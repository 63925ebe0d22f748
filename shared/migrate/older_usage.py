"""Moves the rows of an older, unpartitioned usage log into the partitioned one.

The older log is set aside in one transaction, copied in batches that commit, and dropped once every
row has been copied. The copy can be killed at any time: what an older row becomes depends only on
that row, so a second copy finds its own rows and leaves them alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from shared.ledger.partitions import PARTITION_SCHEMA, ensure_month
from shared.migrate.older_columns import Column, columns_of, converted, printed

_ASIDE = "llm_usage_logs_before_switchyard"
_OLDER = sql.Identifier(PARTITION_SCHEMA, _ASIDE)
_OLDER_NAME = f"{PARTITION_SCHEMA}.{_ASIDE}"


class CopyIncomplete(Exception):
    """Not every row of the older log is in the new one; the older one is kept."""


def is_set_aside(connection: psycopg.Connection[Any]) -> bool:
    """Whether an older log is waiting to be copied, in whole or in part."""
    return _scalar(connection, sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(_OLDER_NAME))


def set_usage_aside(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Move an unpartitioned llm_usage_logs out of the way, in the caller's transaction."""
    kind = connection.execute(
        "SELECT relkind FROM pg_class WHERE oid = to_regclass('llm_usage_logs')"
    ).fetchone()
    if kind is None or kind[0] not in {"r", b"r"}:
        return
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(PARTITION_SCHEMA))
    )
    connection.execute(
        sql.SQL("ALTER TABLE llm_usage_logs SET SCHEMA {}").format(sql.Identifier(PARTITION_SCHEMA))
    )
    connection.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(
            sql.Identifier(PARTITION_SCHEMA, "llm_usage_logs"), sql.Identifier(_ASIDE)
        )
    )
    report(f"the older llm_usage_logs set aside as {_OLDER_NAME}")


def copy_usage(
    connection: psycopg.Connection[Any],
    report: Callable[[str], None],
    *,
    rows_a_batch: int = 5000,
) -> None:
    """Copy the log that was set aside and drop it; does nothing if there is none.

    `connection` must be in autocommit: each batch commits. Raises CopyIncomplete.
    """
    if not is_set_aside(connection):
        return
    highest = _prepare(connection)
    reached = 0
    while reached < highest:
        reached = _copy_batch(connection, reached, rows_a_batch)
    with connection.transaction():
        rows = _verify(connection)
        _sum_up(connection)
        connection.execute(sql.SQL("DROP TABLE {}").format(_OLDER))
    report(f"{rows} usage rows copied from the older table")


def _prepare(connection: psycopg.Connection[Any]) -> int:
    """Create the months, start new ids after the older ones, and return the highest older id."""
    held = columns_of(connection, _OLDER_NAME)
    for columns in ("request_id, id", "id"):
        if columns.split(",")[0] in held:
            connection.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                    sql.Identifier(f"before_switchyard_{columns[:2]}"), _OLDER, printed(columns)
                )
            )
    months = connection.execute(
        sql.SQL(
            "SELECT DISTINCT (date_trunc('month', {} AT TIME ZONE 'UTC'))::date FROM {} AS older"
        ).format(_created_at(held), _OLDER)
    ).fetchall()
    for (month,) in months:
        ensure_month(connection, month)
    highest = _scalar(connection, sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(_OLDER))
    connection.execute(
        "SELECT setval('llm_usage_logs_id_seq', greatest(%(highest)s, last_value))"
        " FROM llm_usage_logs_id_seq WHERE %(highest)s > 0",
        {"highest": highest},
    )
    return int(highest)


def _copy_batch(connection: psycopg.Connection[Any], after: int, rows: int) -> int:
    """Copy the next rows by id, and return the last id copied."""
    targets, values = _mapping(connection)
    row = connection.execute(
        sql.SQL(
            "WITH batch AS (SELECT * FROM {older} WHERE id > {after} ORDER BY id LIMIT {rows}),"
            " copied AS (INSERT INTO llm_usage_logs ({targets})"
            " SELECT {values} FROM batch AS older"
            " ON CONFLICT (request_id, created_at) DO NOTHING)"
            " SELECT max(id) FROM batch"
        ).format(
            older=_OLDER,
            after=after,
            rows=rows,
            targets=sql.SQL(", ").join(map(sql.Identifier, targets)),
            values=sql.SQL(", ").join(values),
        )
    ).fetchone()
    if row is None or row[0] is None:
        raise CopyIncomplete(f"{_OLDER_NAME} changed while it was being copied")
    return int(row[0])


def _mapping(
    connection: psycopg.Connection[Any],
) -> tuple[list[str], list[sql.Composable]]:
    """The columns of the new log that can be filled, and the value of `older` for each."""
    held = columns_of(connection, _OLDER_NAME)
    targets = ["request_id", "created_at", "user_id"]
    user_id = sql.SQL("coalesce(older.user_id::text, '')" if "user_id" in held else "''")
    values: list[sql.Composable] = [_request_id(held), _created_at(held), user_id]
    for column in columns_of(connection, "llm_usage_logs").values():
        older = held.get(column.name)
        if older is None or column.name in targets:
            continue
        value = converted(sql.Identifier("older", column.name), older.type, column.type)
        if column.not_null and column.default and column.name != "id":
            value = sql.SQL("coalesce({}, {})").format(value, printed(column.default))
        targets.append(column.name)
        values.append(value)
    return targets, values


def _request_id(held: dict[str, Column]) -> sql.Composable:
    """The first row with a request_id keeps it; any other is named after its id."""
    if "request_id" not in held:
        return sql.SQL("'legacy-' || older.id")
    return sql.SQL(
        "CASE WHEN coalesce(older.request_id::text, '') = ''"
        " OR length(older.request_id::text) > 100"
        " OR EXISTS (SELECT 1 FROM {} AS earlier"
        " WHERE earlier.request_id = older.request_id AND earlier.id < older.id)"
        " THEN 'legacy-' || older.id ELSE older.request_id::text END"
    ).format(_OLDER)


def _created_at(held: dict[str, Column]) -> sql.Composable:
    """A row without a time gets the log's earliest: any other would change between two copies."""
    own, earliest = (
        converted(printed(value), held["created_at"].type, "timestamp with time zone")
        for value in ("older.created_at", "min(created_at)")
    )
    return sql.SQL("coalesce({}, (SELECT {} FROM {}), 'epoch'::timestamptz)").format(
        own, earliest, _OLDER
    )


def _verify(connection: psycopg.Connection[Any]) -> int:
    held = columns_of(connection, _OLDER_NAME)
    older, copied = connection.execute(
        sql.SQL(
            "SELECT (SELECT count(*) FROM {older}),"
            " count(DISTINCT (log.request_id, log.created_at))"
            " FROM {older} AS older JOIN llm_usage_logs AS log"
            " ON log.request_id = {request_id} AND log.created_at = {created_at}"
        ).format(older=_OLDER, request_id=_request_id(held), created_at=_created_at(held))
    ).fetchone() or (0, 0)
    if older != copied:
        raise CopyIncomplete(f"{copied} of {older} rows were copied; {_OLDER_NAME} is kept")
    return int(older)


def _sum_up(connection: psycopg.Connection[Any]) -> None:
    """Add the older rows to usage_daily, exactly once: in the transaction that drops them."""
    held = columns_of(connection, _OLDER_NAME)
    connection.execute(
        sql.SQL(
            "INSERT INTO usage_daily AS held (day, user_id, team_id, provider_id, model_id,"
            " power_level, access_token_id, user_key_id, billed_to, is_simulated, requests,"
            " unpriced_requests, prompt_tokens, completion_tokens, total_tokens, cached_tokens,"
            " reasoning_tokens, cost_total_usd)"
            " SELECT (log.created_at AT TIME ZONE 'UTC')::date, log.user_id, log.team_id,"
            " log.provider_id, log.model_id, log.power_level, log.access_token_id,"
            " log.user_key_id, log.billed_to, log.is_simulated, count(*),"
            " count(*) FILTER (WHERE log.cost_total_usd IS NULL),"
            " coalesce(sum(log.prompt_tokens), 0), coalesce(sum(log.completion_tokens), 0),"
            " coalesce(sum(log.total_tokens), 0), coalesce(sum(log.cached_tokens), 0),"
            " coalesce(sum(log.reasoning_tokens), 0), coalesce(sum(log.cost_total_usd), 0)"
            " FROM {older} AS older JOIN llm_usage_logs AS log"
            " ON log.request_id = {request_id} AND log.created_at = {created_at}"
            " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
            " ON CONFLICT (day, user_id, team_id, provider_id, model_id, power_level,"
            " access_token_id, user_key_id, billed_to, is_simulated) DO UPDATE SET"
            " requests = held.requests + excluded.requests,"
            " unpriced_requests = held.unpriced_requests + excluded.unpriced_requests,"
            " prompt_tokens = held.prompt_tokens + excluded.prompt_tokens,"
            " completion_tokens = held.completion_tokens + excluded.completion_tokens,"
            " total_tokens = held.total_tokens + excluded.total_tokens,"
            " cached_tokens = held.cached_tokens + excluded.cached_tokens,"
            " reasoning_tokens = held.reasoning_tokens + excluded.reasoning_tokens,"
            " cost_total_usd = held.cost_total_usd + excluded.cost_total_usd"
        ).format(older=_OLDER, request_id=_request_id(held), created_at=_created_at(held))
    )


def _scalar(connection: psycopg.Connection[Any], query: sql.Composed) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]
