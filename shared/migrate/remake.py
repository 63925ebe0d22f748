"""Recreates what was dropped by hand, although the version table says that it exists.

Uses the tables of shared/db/tables, which a test keeps identical to what the migrations create.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, ForeignKeyConstraint, Table

from shared.db.tables.every import metadata

# Rows that refer to a dropped model by id would refer to whichever model gets that id next.
_FOLLOWERS = {"llm_models": ("model_prices", "llm_routing_rules")}


def missing_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Names of our tables that do not exist, in alphabetical order."""
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY name",
        (list(metadata.tables),),
    ).fetchall()
    return [row[0] for row in rows]


def remake_tables(connection: Connection, missing: list[str]) -> None:
    """Create `missing` in the caller's transaction, empty and with their indexes."""
    metadata.create_all(connection, tables=[metadata.tables[name] for name in missing])
    for name in missing:
        for follower in _FOLLOWERS.get(name, ()):
            connection.execute(metadata.tables[follower].delete())


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
