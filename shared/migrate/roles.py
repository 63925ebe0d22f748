"""Database roles, which limit what a serving process may do whatever its code tries.

They are group roles without login, created once per server and granted in each database. The README
of shared/db says who should be a member of which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from shared.db.tables.every import metadata

APP = "switchyard_app"
CHAT = "switchyard_chat"

_GROWS = ("SELECT", "INSERT")
_CHANGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
_READS = ("SELECT",)

# By table; a table that is not named gets the first entry. The trigger that bumps `versions` runs
# with the rights of whoever makes the change.
_RIGHTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    APP: (_CHANGES, {"audit_events": _GROWS, "model_prices": _GROWS}),
    CHAT: (
        _READS,
        {
            "audit_events": _GROWS,
            "budget_events": _GROWS,
            "versions": ("SELECT", "INSERT", "UPDATE"),
        },
    ),
}
_CHAT_NOTES = ("status", "is_validated", "validation_error", "last_validated_at", "updated_at")


def make_roles(connection: psycopg.Connection[Any], report: Callable[[str], None]) -> None:
    """Create the roles that are missing, and grant only the rights they lack.

    `report` gets a line for each role created, and for each that could not be because the
    connection's user lacks CREATEROLE.
    """
    for role in _RIGHTS:
        if not _exists(connection, role) and not _make(connection, role, report):
            continue
        try:
            with connection.transaction():
                _grant_all(connection, role)
        except psycopg.errors.InsufficientPrivilege as error:
            report(f"role {role} not granted what it needs: {error.diag.message_primary}")


def _grant_all(connection: psycopg.Connection[Any], role: str) -> None:
    plain, special = _RIGHTS[role]
    _grant_schema(connection, role)
    for table in metadata.tables:
        _grant(connection, role, table, special.get(table, plain))
    for right in ("UPDATE", "DELETE", "TRUNCATE"):
        if _has(connection, role, "audit_events", right):
            _run(connection, f"REVOKE {right} ON {{table}} FROM {{role}}", role, "audit_events")
    if role == CHAT and not _has_column(connection, CHAT, "user_api_keys", "status"):
        columns = ", ".join(_CHAT_NOTES)
        _run(
            connection, f"GRANT UPDATE ({columns}) ON {{table}} TO {{role}}", role, "user_api_keys"
        )


def _make(connection: psycopg.Connection[Any], role: str, report: Callable[[str], None]) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return True  # another database on this server was migrated at the same moment
    except psycopg.errors.InsufficientPrivilege:
        report(f"role {role} not created: this user may not create roles (see shared/db/README.md)")
        return False
    report(f"role {role} created")
    return True


def _grant_schema(connection: psycopg.Connection[Any], role: str) -> None:
    [schema] = _one(connection, "SELECT current_schema()")
    if not _one(connection, "SELECT has_schema_privilege(%s, %s, 'USAGE')", role, schema)[0]:
        connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
                sql.Identifier(schema), sql.Identifier(role)
            )
        )


def _grant(
    connection: psycopg.Connection[Any], role: str, table: str, rights: tuple[str, ...]
) -> None:
    lacking = [right for right in rights if not _has(connection, role, table, right)]
    if lacking:
        _run(connection, f"GRANT {', '.join(lacking)} ON {{table}} TO {{role}}", role, table)


def _run(connection: psycopg.Connection[Any], statement: str, role: str, table: str) -> None:
    """`statement` is one of this module's own, with placeholders for the two names."""
    connection.execute(
        sql.SQL(statement).format(  # pyright: ignore[reportArgumentType]
            table=sql.Identifier(table), role=sql.Identifier(role)
        )
    )


def _exists(connection: psycopg.Connection[Any], role: str) -> bool:
    return bool(_one(connection, "SELECT to_regrole(%s) IS NOT NULL", role)[0])


def _has(connection: psycopg.Connection[Any], role: str, table: str, right: str) -> bool:
    return bool(_one(connection, "SELECT has_table_privilege(%s, %s, %s)", role, table, right)[0])


def _has_column(connection: psycopg.Connection[Any], role: str, table: str, column: str) -> bool:
    query = "SELECT has_column_privilege(%s, %s, %s, 'UPDATE')"
    return bool(_one(connection, query, role, table, column)[0])


def _one(connection: psycopg.Connection[Any], query: str, *values: object) -> list[Any]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
