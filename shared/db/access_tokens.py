"""Rows of access_tokens: looked up while serving, made and ended by an admin.

A token itself is never stored: its SHA-256 finds it, a few characters show which one it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row

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


COLUMNS: LiteralString = (
    "id, name, user_id, team_id, tier, role, token_prefix AS prefix, token_suffix AS suffix,"
    " expires_at, revoked_at, last_used_at, created_at, scopes, allowed_models, rotated_to,"
    " created_by"
)
INSERT: LiteralString = (
    "INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id,"
    " team_id, tier, role, scopes, allowed_models, expires_at, created_by)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"
)
REVOKE: LiteralString = (
    "UPDATE access_tokens SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
)
INSERT_SUCCESSOR: LiteralString = (
    "INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id,"
    " team_id, tier, role, scopes, allowed_models, expires_at, created_by)"
    " SELECT %s, %s, %s, name, user_id, team_id, tier, role, scopes, allowed_models,"
    " now() + (expires_at - created_at), created_by FROM access_tokens"
    " WHERE id = %s AND revoked_at IS NULL AND rotated_to IS NULL FOR UPDATE"
    " RETURNING id"
)
END_PREDECESSOR: LiteralString = (
    "UPDATE access_tokens SET rotated_to = %s,"
    " expires_at = least(expires_at, now() + %s) WHERE id = %s"
)
# Limits name tokens by id: without this, to rotate would be to lose one's budget.
COPY_LIMITS: LiteralString = (
    "INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute,"
    " concurrent_requests, budget_day_usd, budget_month_usd, is_active)"
    " SELECT scope, %s, requests_per_minute, tokens_per_minute, concurrent_requests,"
    " budget_day_usd, budget_month_usd, is_active FROM limits"
    " WHERE scope = 'token' AND subject = %s"
)


async def find_access_token(
    connection: psycopg.AsyncConnection[Any], digest: bytes
) -> AccessToken | None:
    """The token with this SHA-256 unless revoked; expired ones too, the caller judges that."""
    async with connection.cursor(row_factory=class_row(AccessToken)) as cursor:
        await cursor.execute(
            "SELECT id, user_id, team_id, tier, role, scopes, allowed_models, expires_at"
            " FROM access_tokens WHERE token_digest = %s AND revoked_at IS NULL",
            (digest,),
        )
        return await cursor.fetchone()


def create_token(
    connection: psycopg.Connection[Any],
    *,
    token: str,
    name: str,
    user_id: str,
    team_id: str | None,
    tier: str,
    role: str,
    scopes: Sequence[str] = (),
    allowed_models: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    created_by: str | None = None,
) -> int:
    """Store a freshly minted token; its id. `expires_at` has a zone.

    Raises psycopg.errors.UniqueViolation for a token that is already there, and CheckViolation
    for a tier or role that does not exist.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        [token_id] = cursor.execute(
            INSERT,
            (
                *shape(token),
                name,
                user_id,
                team_id,
                tier,
                role,
                list(scopes),
                None if allowed_models is None else list(allowed_models),
                expires_at,
                created_by,
            ),
        ).fetchall()
        return token_id


def list_tokens(connection: psycopg.Connection[Any]) -> list[TokenRow]:
    """Every token that was ever made, revoked ones too, oldest first."""
    with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        return cursor.execute(
            sql.SQL("SELECT {} FROM access_tokens ORDER BY id").format(sql.SQL(COLUMNS))
        ).fetchall()


def revoke_token(connection: psycopg.Connection[Any], token_id: int) -> bool:
    """End a token now; False where there is none of this id, or it was revoked before."""
    cursor = connection.execute(REVOKE, (token_id,))
    return cursor.rowcount == 1


def rotate_token(
    connection: psycopg.Connection[Any], token_id: int, *, token: str, overlap: timedelta
) -> int | None:
    """Put a freshly minted `token` in the place of another; the id of the new one.

    The new one is the same but for its digits, and lives as long again as the old one was made
    to. The old one goes on for `overlap`, or until it would have expired. None where there is
    none of this id, or it is revoked or was rotated before.
    """
    with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
        new_id = cursor.execute(INSERT_SUCCESSOR, (*shape(token), token_id)).fetchone()
        if new_id is None:
            return None
        cursor.execute(END_PREDECESSOR, (new_id, overlap, token_id))
        cursor.execute(COPY_LIMITS, (str(new_id), str(token_id)))
        return new_id


def shape(token: str) -> tuple[bytes, str, str]:
    """Digest, prefix and suffix; the digest is that of shared/auth/token.py, a layer above."""
    digest = hashlib.sha256(token.encode()).digest()
    return digest, token[:_SHOWN_AT_START], token[-_SHOWN_AT_END:]
