"""access_tokens as the admin routes change it; access_tokens.py has the same for commands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from shared.db.access_tokens import (
    COLUMNS,
    COPY_LIMITS,
    END_PREDECESSOR,
    INSERT,
    INSERT_SUCCESSOR,
    REVOKE,
    TokenRow,
    shape,
)

_CHANGEABLE = frozenset(
    {"name", "team_id", "tier", "role", "scopes", "allowed_models", "expires_at"}
)


class NewToken(msgspec.Struct, frozen=True):
    name: str
    user_id: str
    team_id: str | None
    tier: str
    role: str
    scopes: list[str]
    allowed_models: list[str] | None
    expires_at: datetime | None
    created_by: str


async def page_of_tokens(
    connection: psycopg.AsyncConnection[Any],
    *,
    after: int,
    limit: int,
    user_id: str | None,
) -> list[TokenRow]:
    """At most `limit` tokens with an id above `after`, revoked ones too; None: of any user."""
    async with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        await cursor.execute(
            sql.SQL(
                "SELECT {} FROM access_tokens WHERE id > %(after)s"
                " AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)"
                " ORDER BY id LIMIT %(limit)s"
            ).format(sql.SQL(COLUMNS)),
            {"after": after, "limit": limit, "user_id": user_id},
        )
        return await cursor.fetchall()


async def find_token(connection: psycopg.AsyncConnection[Any], token_id: int) -> TokenRow | None:
    async with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {} FROM access_tokens WHERE id = %s").format(sql.SQL(COLUMNS)),
            (token_id,),
        )
        return await cursor.fetchone()


async def insert_token(connection: psycopg.AsyncConnection[Any], token: str, new: NewToken) -> int:
    """Store a freshly minted token; its id."""
    values = (*shape(token), *msgspec.structs.astuple(new))
    cursor = await connection.execute(INSERT, values)
    [(token_id,)] = await cursor.fetchall()
    return token_id


async def change_token(
    connection: psycopg.AsyncConnection[Any], token_id: int, changes: Mapping[str, Any]
) -> bool:
    """Set columns of a token that is not revoked; False where there is none.

    `changes` is by column. Raises ValueError for one that may not change.
    """
    if not changes or not changes.keys() <= _CHANGEABLE:
        raise ValueError("a column that may not change")
    parts = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in changes]
    cursor = await connection.execute(
        sql.SQL("UPDATE access_tokens SET {} WHERE id = %s AND revoked_at IS NULL").format(
            sql.SQL(", ").join(parts)
        ),
        (*changes.values(), token_id),
    )
    return cursor.rowcount == 1


async def end_token(connection: psycopg.AsyncConnection[Any], token_id: int) -> bool:
    """Revoke a token; False where there is none of this id, or it was revoked before."""
    return (await connection.execute(REVOKE, (token_id,))).rowcount == 1


async def replace_token(
    connection: psycopg.AsyncConnection[Any], token_id: int, token: str, overlap: timedelta
) -> int | None:
    """As rotate_token, in the caller's transaction."""
    cursor = await connection.execute(INSERT_SUCCESSOR, (*shape(token), token_id))
    row = await cursor.fetchone()
    if row is None:
        return None
    await connection.execute(END_PREDECESSOR, (row[0], overlap, token_id))
    await connection.execute(COPY_LIMITS, (str(row[0]), str(token_id)))
    return row[0]
