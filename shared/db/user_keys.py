"""Rows of user_api_keys: callers' own provider keys, sealed. Each statement names their owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

_COLUMNS = (
    "k.id, p.provider_slug AS provider, k.key_name AS name, k.encrypted_api_key AS sealed,"
    " k.key_suffix AS suffix, k.key_fingerprint AS fingerprint, k.is_active AS enabled, k.status,"
    " k.validation_error AS status_reason, k.last_validated_at AS last_checked_at, k.use_policy,"
    " k.platform_fallback, k.total_requests, k.total_tokens, k.total_cost_usd, k.last_used_at,"
    " k.created_at, k.last_rotated_at"
)
_CHANGEABLE = ("enabled", "name", "use_policy", "platform_fallback")
_FROM = " FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id"


class UserKey(msgspec.Struct, frozen=True):
    """A key as its owner may see it, and `sealed`, which nobody does."""

    id: int
    provider: str
    name: str | None
    sealed: str
    suffix: str | None
    fingerprint: str | None
    enabled: bool
    status: str
    status_reason: str | None
    last_checked_at: datetime | None
    use_policy: str
    platform_fallback: str
    total_requests: int
    total_tokens: int
    total_cost_usd: Decimal
    last_used_at: datetime | None
    created_at: datetime
    last_rotated_at: datetime | None


class NewUserKey(msgspec.Struct, frozen=True):
    """What storing a key writes. `use_policy` and `platform_fallback` None: as they were, or the
    defaults.
    """

    user_id: str
    provider_id: int
    name: str | None
    sealed: str
    key_id: str
    suffix: str
    fingerprint: str
    status: str
    status_reason: str | None
    checked_at: datetime | None
    use_policy: str | None
    platform_fallback: str | None
    created_ip: str | None


class ServingKey(msgspec.Struct, frozen=True):
    """What a completion needs to know of a key that is switched on."""

    id: int
    provider: str
    sealed: str
    status: str
    use_policy: str
    platform_fallback: str


async def keys_of(connection: psycopg.AsyncConnection[Any], user_id: str) -> list[UserKey]:
    """Every key of this user, in the order of the providers' ids."""
    async with connection.cursor(row_factory=class_row(UserKey)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS}{_FROM} WHERE k.user_id = %s ORDER BY p.id",  # noqa: S608  constants
            (user_id,),
        )
        return await cursor.fetchall()


async def find_key(
    connection: psycopg.AsyncConnection[Any], user_id: str, provider: str
) -> UserKey | None:
    async with connection.cursor(row_factory=class_row(UserKey)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS}{_FROM} WHERE k.user_id = %s AND p.provider_slug = %s",  # noqa: S608  constants
            (user_id, provider),
        )
        return await cursor.fetchone()


async def serving_keys(connection: psycopg.AsyncConnection[Any], user_id: str) -> list[ServingKey]:
    async with connection.cursor(row_factory=class_row(ServingKey)) as cursor:
        await cursor.execute(
            "SELECT k.id, p.provider_slug AS provider, k.encrypted_api_key AS sealed, k.status,"
            f" k.use_policy, k.platform_fallback{_FROM}"  # noqa: S608  constants
            " WHERE k.user_id = %s AND k.is_active ORDER BY k.id",
            (user_id,),
        )
        return await cursor.fetchall()


async def store_key(connection: psycopg.AsyncConnection[Any], new: NewUserKey) -> tuple[int, bool]:
    """Store a key, or put it in the place of the one there; its id, and whether it replaced one.

    A replaced key keeps its id, name and policies unless `new` says otherwise, and is switched on.
    """
    cursor = await connection.execute(
        "INSERT INTO user_api_keys AS held (user_id, provider_id, key_name, encrypted_api_key,"
        " encryption_key_id, key_suffix, key_fingerprint, status, is_validated, validation_error,"
        " last_validated_at, use_policy, platform_fallback, created_ip)"
        " VALUES (%(user_id)s, %(provider_id)s, %(name)s, %(sealed)s, %(key_id)s, %(suffix)s,"
        " %(fingerprint)s, %(status)s, %(status)s = 'ok', %(status_reason)s, %(checked_at)s,"
        " coalesce(%(use_policy)s, 'prefer'), coalesce(%(platform_fallback)s, 'never'),"
        " %(created_ip)s)"
        " ON CONFLICT (user_id, provider_id) DO UPDATE SET"
        " key_name = coalesce(excluded.key_name, held.key_name),"
        " encrypted_api_key = excluded.encrypted_api_key,"
        " encryption_key_id = excluded.encryption_key_id, key_prefix = NULL,"
        " key_suffix = excluded.key_suffix, key_fingerprint = excluded.key_fingerprint,"
        " is_active = true, status = excluded.status, is_validated = excluded.is_validated,"
        " validation_error = excluded.validation_error,"
        " last_validated_at = excluded.last_validated_at,"
        " use_policy = coalesce(%(use_policy)s, held.use_policy),"
        " platform_fallback = coalesce(%(platform_fallback)s, held.platform_fallback),"
        " last_rotated_at = now(), updated_at = now()"
        " RETURNING id, xmax <> 0",
        msgspec.structs.asdict(new),
    )
    [(key_id, replaced)] = await cursor.fetchall()
    return key_id, replaced


async def change_key(
    connection: psycopg.AsyncConnection[Any],
    user_id: str,
    provider: str,
    changes: Mapping[str, bool | str],
) -> int | None:
    """Set `enabled`, `name`, `use_policy` and `platform_fallback`, those of them that are there.

    The key's id, or None where the user has none there.
    """
    cursor = await connection.execute(
        "UPDATE user_api_keys AS k SET is_active = coalesce(%s, k.is_active),"
        " key_name = coalesce(%s, k.key_name), use_policy = coalesce(%s, k.use_policy),"
        " platform_fallback = coalesce(%s, k.platform_fallback), updated_at = now()"
        " FROM llm_providers p WHERE p.id = k.provider_id AND k.user_id = %s"
        " AND p.provider_slug = %s RETURNING k.id",
        (*map(changes.get, _CHANGEABLE), user_id, provider),
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def delete_key(
    connection: psycopg.AsyncConnection[Any], user_id: str, provider: str
) -> tuple[int, str | None] | None:
    """Delete the row; its id and fingerprint, or None where there was none."""
    cursor = await connection.execute(
        "DELETE FROM user_api_keys AS k USING llm_providers p WHERE p.id = k.provider_id"
        " AND k.user_id = %s AND p.provider_slug = %s RETURNING k.id, k.key_fingerprint",
        (user_id, provider),
    )
    return await cursor.fetchone()


async def note_status(
    connection: psycopg.AsyncConnection[Any],
    key_id: int,
    sealed: str,
    status: str,
    reason: str | None,
    *,
    only_news: bool = False,
) -> bool:
    """Write what was learned of a key; False where it has been replaced or deleted since.

    `sealed` is the text that was opened for the check: the news is about that key alone. With
    `only_news` a status that was known before is not written, and False too.
    """
    cursor = await connection.execute(
        "UPDATE user_api_keys SET status = %s, is_validated = (%s = 'ok'), validation_error = %s,"
        " last_validated_at = now(), updated_at = now()"
        " WHERE id = %s AND encrypted_api_key = %s AND NOT (%s AND status = %s)",
        (status, status, reason, key_id, sealed, only_news, status),
    )
    return cursor.rowcount == 1
