"""Adopts the tables that the older SQL created: columns are added and widened, every row is kept.

The target is not described a second time: the first migration's own statements run in a scratch
schema, and whatever differs from it is altered. Later migrations then run as on any other database.
Anything else that the older tables have stays, but may no longer reject our rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from migrations.first_tables import catalogue, keys
from shared.migrate.older_columns import adopt_columns, printed
from shared.migrate.older_usage import set_usage_aside

_ADOPTED = ("llm_providers", "llm_models", "user_api_keys", "llm_routing_rules")
_SCRATCH = "switchyard_adoption"


class AdoptionRefused(Exception):
    """The older tables cannot be adopted as they are; the message says what to change."""


def adopt(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Alter the older tables to match the first migration, all of them or none.

    Does nothing on a database without them, or when run again. The usage log is only set aside
    here; older_usage copies it. Raises AdoptionRefused.
    """
    with connection.transaction():
        set_usage_aside(connection, report)
        there = [name for name in _ADOPTED if _exists(connection, name)]
        if not there:
            return
        home, path = _one(connection, "SELECT current_schema(), current_setting('search_path')")
        _make_scratch(connection)
        try:
            for table in there:
                _set_path(connection, path)
                adopt_columns(connection, table, _SCRATCH, report)
                _adopt_constraints(connection, table, home, report)
                _adopt_indexes(connection, table, home)
        except psycopg.errors.UniqueViolation as error:
            raise AdoptionRefused(
                f"{error.diag.table_name} has duplicate rows; remove all but one:"
                f" {error.diag.message_detail}"
            ) from error
        _set_path(connection, path)
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(_SCRATCH)))
    report(f"{len(there)} older tables adopted: {', '.join(there)}")


def _make_scratch(connection: psycopg.Connection[Any]) -> None:
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_SCRATCH)))
    _set_path(connection, _SCRATCH)
    for statement in (*catalogue.STATEMENTS, *keys.STATEMENTS):
        connection.execute(statement.encode())


def _set_path(connection: psycopg.Connection[Any], path: str) -> None:
    connection.execute("SELECT set_config('search_path', %s, true)", (path,))


def _constraints(connection: psycopg.Connection[Any], schema: str, table: str) -> dict[str, str]:
    """Definitions by name of keys of every kind, without the schema's name."""
    path = _one(connection, "SELECT current_setting('search_path')")[0]
    # PostgreSQL prints a table with its schema unless the search path finds it.
    _set_path(connection, schema)
    rows = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f') ORDER BY contype DESC",
        (table,),
    ).fetchall()
    _set_path(connection, path)
    return dict(rows)


def _adopt_constraints(
    connection: psycopg.Connection[Any], table: str, home: str, report: Callable[[str], None]
) -> None:
    """Leave missing foreign keys to remake.py, which can add them unvalidated."""
    wanted = _constraints(connection, _SCRATCH, table)
    held = _constraints(connection, home, table)
    alter = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table))
    for name, definition in held.items():
        if definition.startswith("FOREIGN KEY") and definition not in wanted.values():
            connection.execute(alter + sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name)))
            report(f"{table}: {name} dropped ({definition})")
    for name, definition in wanted.items():
        older = next((other for other, text in held.items() if text == definition), None)
        if older is None and not definition.startswith("FOREIGN KEY"):
            connection.execute(
                alter
                + sql.SQL("ADD CONSTRAINT {} ").format(sql.Identifier(name))
                + printed(definition)
            )
        elif older is not None and older != name:
            connection.execute(
                alter
                + sql.SQL("RENAME CONSTRAINT {} TO {}").format(
                    sql.Identifier(older), sql.Identifier(name)
                )
            )


def _adopt_indexes(connection: psycopg.Connection[Any], table: str, home: str) -> None:
    rows = connection.execute(
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid = %s::regclass AND NOT EXISTS"
        " (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)",
        (f"{_SCRATCH}.{table}",),
    ).fetchall()
    for name, definition in rows:
        if not _exists(connection, name):
            connection.execute(printed(definition.replace(f" ON {_SCRATCH}.", f' ON "{home}".', 1)))


def _one(connection: psycopg.Connection[Any], query: LiteralString, values: Any = None) -> Any:
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError(f"no row for: {query}")
    return row


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return _one(connection, "SELECT to_regclass(%s) IS NOT NULL", (name,))[0]
