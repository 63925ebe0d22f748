"""Makes again what was dropped by hand, although the version table says it is there.

From the tables of shared/db/tables, which a test keeps equal to what the migrations make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, ForeignKeyConstraint, Table

from shared.db.tables.every import metadata

# Rows that name a dropped model by its id would name whichever model has that id next.
_FOLLOWERS = {"llm_models": ("model_prices", "llm_routing_rules")}


def missing_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Names of tables that are not there, in alphabetical order."""
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY name",
        (list(metadata.tables),),
    ).fetchall()
    return [row[0] for row in rows]


def remake_tables(connection: Connection, missing: list[str]) -> None:
    """Make `missing` in the caller's transaction, empty, with their indexes."""
    metadata.create_all(connection, tables=[metadata.tables[name] for name in missing])
    for name in missing:
        for follower in _FOLLOWERS.get(name, ()):
            connection.execute(metadata.tables[follower].delete())


def remake_foreign_keys(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Add those that DROP … CASCADE took along. Rows that break one stay, and are reported."""
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
        report(f"{table.name} has rows whose {target} is gone: {error.diag.message_detail}")
