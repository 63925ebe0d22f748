"""Rows of access_tokens: looked up while serving, made and ended by an admin.

A token itself is never stored: its SHA-256 finds it, a few characters show which one it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

# `sy_` and four of 43 digits at the start, four of the checksum at the end.
_SHOWN_AT_START = 7
_SHOWN_AT_END = 4


class AccessToken(msgspec.Struct, frozen=True):
    """Whom a token stands for. `allowed_models` None allows every model."""

    id: int
    user_id: str
    team_id: str | None
    tier: str
    role: str
    scopes: list[str]
    allowed_models: list[str] | None
    expires_at: datetime | None


class TokenRow(msgspec.Struct, frozen=True):
    """What an admin is shown of a token; `prefix` and `suffix` are parts of its text."""

    id: int
    name: str
    user_id: str
    team_id: str | None
    tier: str
    role: str
    prefix: str
    suffix: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    scopes: list[str]
    allowed_models: list[str] | None
    rotated_to: int | None
    created_by: str | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it lets somebody in; a blocked user's too."""
        return (self.revoked_at is None or self.revoked_at > now) and (
            self.expires_at is None or self.expires_at > now
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
    made_with: int | None = None


_COLUMNS: LiteralString = (
    "id, name, user_id, team_id, tier, role, token_prefix AS prefix, token_suffix AS suffix,"
    " expires_at, revoked_at, last_used_at, created_at, scopes, allowed_models, rotated_to,"
    " created_by"
)
_INSERT: LiteralString = (
    "INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id,"
    " team_id, tier, role, scopes, allowed_models, expires_at, created_by, made_with)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"
)
_REVOKE: LiteralString = (
    "UPDATE access_tokens SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
)
_REVOKE_MADE: LiteralString = """
    WITH RECURSIVE made AS (
        SELECT id FROM access_tokens WHERE made_with = %s
        UNION SELECT token.id FROM access_tokens AS token JOIN made ON token.made_with = made.id
    )
    UPDATE access_tokens SET revoked_at = now() WHERE id IN (SELECT id FROM made)
        AND revoked_at IS NULL
"""
_INSERT_SUCCESSOR: LiteralString = (
    "INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id,"
    " team_id, tier, role, scopes, allowed_models, expires_at, created_by, made_with)"
    " SELECT %s, %s, %s, name, user_id, team_id, tier, role, scopes, allowed_models,"
    " least(now() + (expires_at - created_at), %s), created_by, made_with FROM access_tokens"
    " WHERE id = %s AND revoked_at IS NULL AND rotated_to IS NULL FOR UPDATE"
    " RETURNING id"
)
_END_PREDECESSOR: LiteralString = (
    "UPDATE access_tokens SET rotated_to = %s,"
    " expires_at = least(expires_at, now() + %s) WHERE id = %s"
)
# Limits name tokens by id: without this, to rotate would be to lose one's budget.
_COPY_LIMITS: LiteralString = (
    "INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute,"
    " concurrent_requests, budget_day_usd, budget_month_usd, is_soft, on_budget, counts_byok,"
    " time_zone, is_active)"
    " SELECT scope, %s, requests_per_minute, tokens_per_minute,"
    " concurrent_requests, budget_day_usd, budget_month_usd, is_soft, on_budget, counts_byok,"
    " time_zone, is_active FROM limits WHERE scope = 'token' AND subject = %s"
)
_CHANGEABLE = frozenset(
    {"name", "team_id", "tier", "role", "scopes", "allowed_models", "expires_at"}
)


async def find_access_token(
    connection: psycopg.AsyncConnection[Any], digest: bytes
) -> AccessToken | None:
    """The token with this SHA-256 unless it is revoked, its user blocked or its team off.

    Expired ones too: the caller judges that.
    """
    async with connection.cursor(row_factory=class_row(AccessToken)) as cursor:
        await cursor.execute(
            "SELECT id, user_id, team_id, tier, role, scopes, allowed_models, expires_at"
            " FROM access_tokens AS token WHERE token_digest = %s AND revoked_at IS NULL"
            " AND NOT EXISTS (SELECT FROM users WHERE user_id = token.user_id AND is_blocked)"
            " AND NOT EXISTS (SELECT FROM teams WHERE id = token.team_id AND NOT is_active)",
            (digest,),
        )
        return await cursor.fetchone()


async def page_of_tokens(
    connection: psycopg.AsyncConnection[Any],
    *,
    after: int,
    limit: int | None,
    user_id: str | None,
) -> list[TokenRow]:
    """Tokens with an id above `after`, revoked ones too; None: all of them, and of any user."""
    async with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        await cursor.execute(
            sql.SQL(
                "SELECT {} FROM access_tokens WHERE id > %(after)s"
                " AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)"
                " ORDER BY id LIMIT %(limit)s"
            ).format(sql.SQL(_COLUMNS)),
            {"after": after, "limit": limit, "user_id": user_id},
        )
        return await cursor.fetchall()


async def newest_tokens(
    connection: psycopg.AsyncConnection[Any], *, limit: int, user_id: str | None
) -> list[TokenRow]:
    """The last that were made, newest first, revoked ones too; `user_id` None: of any user."""
    async with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        await cursor.execute(
            sql.SQL(
                "SELECT {} FROM access_tokens"
                " WHERE (%(user_id)s::text IS NULL OR user_id = %(user_id)s)"
                " ORDER BY id DESC LIMIT %(limit)s"
            ).format(sql.SQL(_COLUMNS)),
            {"limit": limit, "user_id": user_id},
        )
        return await cursor.fetchall()


async def find_token(connection: psycopg.AsyncConnection[Any], token_id: int) -> TokenRow | None:
    async with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {} FROM access_tokens WHERE id = %s").format(sql.SQL(_COLUMNS)),
            (token_id,),
        )
        return await cursor.fetchone()


async def insert_token(connection: psycopg.AsyncConnection[Any], token: str, new: NewToken) -> int:
    """Store a freshly minted token; its id."""
    values = (*_shape(token), *msgspec.structs.astuple(new))
    cursor = await connection.execute(_INSERT, values)
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
    return (await connection.execute(_REVOKE, (token_id,))).rowcount == 1


async def end_made_with(connection: psycopg.AsyncConnection[Any], token_id: int) -> int:
    """Revoke the tokens that were made with this one, and with those; how many."""
    return (await connection.execute(_REVOKE_MADE, (token_id,))).rowcount


async def has_made_others(connection: psycopg.AsyncConnection[Any], token_id: int) -> bool:
    """Whether another token was ever made with this one."""
    cursor = await connection.execute(
        "SELECT FROM access_tokens WHERE made_with = %s LIMIT 1", (token_id,)
    )
    return bool(cursor.rowcount)


async def count_valid(connection: psycopg.AsyncConnection[Any], user_id: str) -> int:
    """How many tokens of a user let somebody in now."""
    cursor = await connection.execute(
        "SELECT count(*) FROM access_tokens WHERE user_id = %s AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > now())",
        (user_id,),
    )
    [(number,)] = await cursor.fetchall()
    return number


async def has_limit(connection: psycopg.AsyncConnection[Any], token_id: int) -> bool:
    """Whether this very token has a row of limits that is in force."""
    cursor = await connection.execute(
        "SELECT FROM limits WHERE scope = 'token' AND subject = %s AND is_active",
        (str(token_id),),
    )
    return bool(cursor.rowcount)


async def replace_token(
    connection: psycopg.AsyncConnection[Any],
    token_id: int,
    token: str,
    overlap: timedelta,
    latest: datetime | None,
) -> int | None:
    """Put a freshly minted `token` in the place of another; the id of the new one.

    The new one is the same but for its digits, and lives as long again as the old one was made
    to, until `latest` at most. The old one goes on for `overlap`, or until it would have expired.
    None where there is none of this id, or it is revoked or was rotated before. In the caller's
    transaction.
    """
    cursor = await connection.execute(_INSERT_SUCCESSOR, (*_shape(token), latest, token_id))
    row = await cursor.fetchone()
    if row is None:
        return None
    await connection.execute(_END_PREDECESSOR, (row[0], overlap, token_id))
    await connection.execute(_COPY_LIMITS, (str(row[0]), str(token_id)))
    return row[0]


def _shape(token: str) -> tuple[bytes, str, str]:
    """Digest, prefix and suffix; the digest is that of shared/auth/token.py, a layer above."""
    digest = hashlib.sha256(token.encode()).digest()
    return digest, token[:_SHOWN_AT_START], token[-_SHOWN_AT_END:]
