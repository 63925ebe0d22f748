"""The months of llm_usage_logs, each a partition in a schema of its own.

In a schema of its own so that a listing of the tables llm_* shows the log once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg import sql

PARTITION_SCHEMA = "llm_usage_partitions"
# Any number, the same in every release: it keeps two processes from making one month.
_LOCK = 0x5357_5041


def ensure_month(connection: psycopg.Connection[Any], month: date) -> bool:
    """Make the partition of the UTC month that `month` lies in; False if it was there.

    Safe beside others who do the same: the later one waits for the earlier one's commit. Inside a
    transaction the partition is there for others once that commits.
    """
    first = date(month.year, month.month, 1)
    after = _next_month(first)
    name = sql.Identifier(PARTITION_SCHEMA, partition_name(first))
    if _exists(connection, first):
        return False
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if _exists(connection, first):
            return False
        connection.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(PARTITION_SCHEMA))
        )
        # CREATE TABLE … PARTITION OF would lock the whole log against readers; ATTACH does not.
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE llm_usage_logs INCLUDING DEFAULTS)").format(name)
        )
        connection.execute(
            sql.SQL(
                "ALTER TABLE llm_usage_logs ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
            ).format(name, f"{first} 00:00:00+00", f"{after} 00:00:00+00")
        )
    return True


def ensure_ahead(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """Make this month's partition and the next one's; the names of those that were missing."""
    this_month = now.astimezone(UTC).date()
    return [
        partition_name(month)
        for month in (this_month, _next_month(this_month))
        if ensure_month(connection, month)
    ]


def partition_name(month: date) -> str:
    return f"llm_usage_logs_{month.year:04}_{month.month:02}"


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _exists(connection: psycopg.Connection[Any], month: date) -> bool:
    # Not to_regclass: inside a transaction it may answer from before the wait for the lock.
    row = connection.execute(
        "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s",
        (PARTITION_SCHEMA, partition_name(month)),
    ).fetchone()
    return row is not None
