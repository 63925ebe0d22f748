"""One row of a table of the catalog, written by the names of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.rows import scalar_row

from shared.db.connect import Connection


async def insert_row(
    connection: Connection, table: str, values: Mapping[str, Any], *, returning: str = "id"
) -> Any:
    """What the new row has in the column `returning`. Raises psycopg.errors.UniqueViolation."""
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.Identifier(returning),
    )
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, values)
        [made] = await cursor.fetchall()
        return made


async def update_row(
    connection: Connection, table: str, key: tuple[str, object], values: Mapping[str, Any]
) -> None:
    """Change the row whose column `key[0]` is `key[1]`; without values it stays as it is.

    Raises psycopg.errors.UniqueViolation.
    """
    if not values:
        return
    column, wanted = key
    changes = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values]
    query = sql.SQL("UPDATE {} SET {}, updated_at = now() WHERE {} = {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(changes),
        sql.Identifier(column),
        sql.Placeholder("the_key"),
    )
    await connection.execute(query, {**values, "the_key": wanted})
