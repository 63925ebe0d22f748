"""Triggers that keep the smaller copies of usage_daily equal to it.

In the database, not in the writer: a writer of the previous release, `usage reprice` and an edit by
psql move them too.
"""

from __future__ import annotations

import hashlib
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from shared.db.rollups import DAILY, DAILY_KEYS, DAILY_SUMS, ROLLUPS

_EVENTS: dict[LiteralString, LiteralString] = {
    "INSERT": "REFERENCING NEW TABLE AS added",
    "UPDATE": "REFERENCING OLD TABLE AS removed NEW TABLE AS added",
    "DELETE": "REFERENCING OLD TABLE AS removed",
    "TRUNCATE": "",
}


def install_rollups(connection: psycopg.Connection[Any]) -> bool:
    """Make the triggers, and fill the copies again, where either is not as it should be.

    Whoever writes to usage_daily waits meanwhile. False where all was in place.
    """
    [schema] = _one(connection, "SELECT current_schema()")
    function = _function(schema)
    digest = hashlib.sha256(function.as_string(connection).encode()).hexdigest()
    if _installed(connection) == (digest, len(_EVENTS)) and not any(
        _is_emptied(connection, table) for table in ROLLUPS
    ):
        return False
    with connection.transaction():
        connection.execute(
            sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(DAILY))
        )
        connection.execute(function)
        connection.execute(sql.SQL("COMMENT ON FUNCTION switchyard_roll_up() IS {}").format(digest))
        for event, tables in _EVENTS.items():
            connection.execute(
                sql.SQL(
                    "CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {daily} {tables}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION switchyard_roll_up()"
                ).format(
                    name=sql.Identifier(f"switchyard_roll_up_{event.lower()}"),
                    event=sql.SQL(event),
                    daily=sql.Identifier(DAILY),
                    tables=sql.SQL(tables),
                )
            )
        for table, keys in ROLLUPS.items():
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute(_add(schema, table, keys, sql.Identifier(schema, DAILY)))
    return True


def _function(schema: str) -> sql.Composed:
    moved = sql.SQL(
        "(SELECT day, {keys}, {sums} FROM added UNION ALL SELECT day, {keys}, {minus} FROM removed)"
        " AS moved"
    ).format(
        keys=_names(DAILY_KEYS),
        sums=_names(DAILY_SUMS),
        minus=sql.SQL(", ").join(sql.SQL("- ") + sql.Identifier(name) for name in DAILY_SUMS),
    )
    removed = sql.SQL("(SELECT day, {keys}, {minus} FROM removed) AS moved").format(
        keys=_names(DAILY_KEYS),
        minus=sql.SQL(", ").join(
            sql.SQL("- {name} AS {name}").format(name=sql.Identifier(name)) for name in DAILY_SUMS
        ),
    )
    return sql.SQL(
        """
        CREATE OR REPLACE FUNCTION switchyard_roll_up() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN {added}
            ELSIF TG_OP = 'UPDATE' THEN {moved}
            ELSIF TG_OP = 'DELETE' THEN {removed}
            ELSE {emptied}
            END IF;
            RETURN NULL;
        END $$
        """
    ).format(
        added=_each(schema, sql.SQL("added")),
        moved=_each(schema, moved),
        removed=_each(schema, removed),
        emptied=sql.SQL(" ").join(
            sql.SQL("DELETE FROM {};").format(sql.Identifier(schema, table)) for table in ROLLUPS
        ),
    )


def _each(schema: str, source: sql.Composable) -> sql.Composed:
    return sql.SQL(" ").join(
        _add(schema, table, keys, source) + sql.SQL(";") for table, keys in ROLLUPS.items()
    )


def _add(schema: str, table: str, keys: tuple[str, ...], source: sql.Composable) -> sql.Composed:
    """Add the sums of `source`, a FROM item with the columns of usage_daily, to `table`."""
    return sql.SQL(
        "INSERT INTO {table} AS held (day, {keys}, {sums})"
        " SELECT day, {keys}, {values} FROM {source} GROUP BY day, {keys}"
        " ON CONFLICT (day, {keys}) DO UPDATE SET {added}"
    ).format(
        table=sql.Identifier(schema, table),
        keys=_names(keys),
        sums=_names(DAILY_SUMS),
        values=sql.SQL(", ").join(
            sql.SQL("sum({})").format(sql.Identifier(name)) for name in DAILY_SUMS
        ),
        source=source,
        added=sql.SQL(", ").join(
            sql.SQL("{name} = held.{name} + EXCLUDED.{name}").format(name=sql.Identifier(name))
            for name in DAILY_SUMS
        ),
    )


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _installed(connection: psycopg.Connection[Any]) -> tuple[str | None, int]:
    """The digest that the function carries, and how many of the triggers are there."""
    held, triggers = _one(
        connection,
        "SELECT obj_description(to_regproc('switchyard_roll_up'), 'pg_proc'), (SELECT count(*)"
        " FROM pg_trigger WHERE tgfoid = to_regproc('switchyard_roll_up'))",
    )
    return held, triggers


def _is_emptied(connection: psycopg.Connection[Any], table: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {}) AND NOT EXISTS (SELECT FROM {})").format(
        sql.Identifier(DAILY), sql.Identifier(table)
    )
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


def _one(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    return connection.execute(query.encode()).fetchone() or ()
