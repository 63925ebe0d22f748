"""Recreates what was dropped by hand, although the version table says that it exists.

Uses the tables of shared/db/tables, which a test keeps identical to what the migrations create.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, ForeignKeyConstraint, Table, func, select, text

from shared.db.rollups import ROLLUPS
from shared.db.tables.every import metadata

# Rows that refer to a dropped model by id would refer to whichever model gets that id next.
_FOLLOWERS = {"llm_models": ("model_prices", "llm_routing_rules")}
# Where rows of usage name rows of a table that can be dropped: no new one may get such an id.
_NAMED_BY_USAGE = {
    "llm_providers": "provider_id",
    "llm_models": "model_id",
    "user_api_keys": "user_key_id",
    "access_tokens": "access_token_id",
}
_LOG = "llm_usage_logs"


def missing_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Names of our tables that do not exist, in alphabetical order."""
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY name",
        (list(metadata.tables),),
    ).fetchall()
    return [row[0] for row in rows]


def remake_tables(
    connection: Connection, missing: list[str], report: Callable[[str], None]
) -> None:
    """Create `missing` in the caller's transaction, empty and with their indexes.

    What was derived of a dropped usage log goes with it; `report` gets a line for it.
    """
    highest = {name: _highest_used(connection, name, missing) for name in _NAMED_BY_USAGE}
    metadata.create_all(connection, tables=[metadata.tables[name] for name in missing])
    for name in missing:
        for follower in _FOLLOWERS.get(name, ()):
            connection.execute(metadata.tables[follower].delete())
        if highest.get(name):
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :highest)"),
                {"name": name, "highest": highest[name]},
            )
    if _LOG in missing:
        _clear_derived(connection, report)


def _highest_used(connection: Connection, table: str, missing: list[str]) -> int:
    column = _NAMED_BY_USAGE[table]
    sources = [name for name in (_LOG, "usage_daily") if name not in missing]
    if table not in missing or not sources:
        return 0
    used = [select(func.max(metadata.tables[name].c[column])) for name in sources]
    return max(connection.execute(one).scalar() or 0 for one in used)


def _clear_derived(connection: Connection, report: Callable[[str], None]) -> None:
    """Sums, adjustments and unsent events of rows that are gone: new rows would inherit them."""
    unsent = connection.execute(text("DELETE FROM usage_outbox WHERE sent_at IS NULL")).rowcount
    days = connection.execute(text("SELECT count(*) FROM usage_daily")).scalar() or 0
    for name in ("usage_daily", *ROLLUPS, "usage_adjustments"):
        connection.execute(metadata.tables[name].delete())
    if days or unsent:
        report(
            f"llm_usage_logs was dropped: its {days} daily sums and {unsent} events that billing"
            " was not told yet are gone too"
        )


def remake_foreign_keys(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Add the keys that DROP … CASCADE removed. Rows that violate one are kept and reported."""
    rows = connection.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = current_schema()::regnamespace"
    ).fetchall()
    held = {row[0] for row in rows}
    for table in metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            if key.name not in held:
                _add_foreign_key(connection, table, key, report)


def _add_foreign_key(
    connection: psycopg.Connection[Any],
    table: Table,
    key: ForeignKeyConstraint,
    report: Callable[[str], None],
) -> None:
    target = key.referred_table.name
    column = key.column_keys[0]
    alter = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table.name))
    name = sql.Identifier(str(key.name))
    connection.execute(
        alter
        + sql.SQL("ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (id) {} NOT VALID").format(
            name,
            sql.Identifier(column),
            sql.Identifier(target),
            sql.SQL("ON DELETE CASCADE" if key.ondelete == "CASCADE" else ""),
        )
    )
    try:
        connection.execute(alter + sql.SQL("VALIDATE CONSTRAINT {}").format(name))
    except psycopg.errors.ForeignKeyViolation as error:
        report(f"{table.name} has rows without a matching {target}: {error.diag.message_detail}")
