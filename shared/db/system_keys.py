"""The platform's keys that admins stored, in llm_providers: one a provider, sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

_ROW = (
    "SELECT id, provider_slug AS provider, encrypted_system_key AS sealed,"
    " system_key_suffix AS suffix, system_key_fingerprint AS fingerprint,"
    " system_key_status AS status, system_key_reason AS status_reason,"
    " system_key_checked_at AS last_checked_at FROM llm_providers"
)


class SystemKey(msgspec.Struct, frozen=True):
    """`sealed` None: none is stored. The status is of the key in use, wherever it comes from."""

    id: int
    provider: str
    sealed: str | None
    suffix: str | None
    fingerprint: str | None
    status: str
    status_reason: str | None
    last_checked_at: datetime | None


class NewSystemKey(msgspec.Struct, frozen=True):
    sealed: str
    key_id: str
    suffix: str
    fingerprint: str
    status: str
    status_reason: str | None
    checked_at: datetime | None


async def system_keys(connection: psycopg.AsyncConnection[Any]) -> list[SystemKey]:
    """One a provider, in the order of their ids."""
    async with connection.cursor(row_factory=class_row(SystemKey)) as cursor:
        await cursor.execute(f"{_ROW} ORDER BY id")  # noqa: S608  a constant
        return await cursor.fetchall()


async def find_system_key(
    connection: psycopg.AsyncConnection[Any], provider: str
) -> SystemKey | None:
    async with connection.cursor(row_factory=class_row(SystemKey)) as cursor:
        await cursor.execute(f"{_ROW} WHERE provider_slug = %s", (provider,))  # noqa: S608  a constant
        return await cursor.fetchone()


async def store_system_key(
    connection: psycopg.AsyncConnection[Any], provider_id: int, new: NewSystemKey
) -> None:
    await connection.execute(
        "UPDATE llm_providers SET encrypted_system_key = %(sealed)s,"
        " system_key_encryption_key_id = %(key_id)s, system_key_suffix = %(suffix)s,"
        " system_key_fingerprint = %(fingerprint)s, system_key_status = %(status)s,"
        " system_key_reason = %(status_reason)s, system_key_checked_at = %(checked_at)s,"
        " updated_at = now() WHERE id = %(id)s",
        {**msgspec.structs.asdict(new), "id": provider_id},
    )


async def delete_system_key(
    connection: psycopg.AsyncConnection[Any], provider: str
) -> tuple[int, str | None] | None:
    """Take the stored key away; the provider's id and the key's fingerprint, None if none was."""
    cursor = await connection.execute(
        "UPDATE llm_providers AS p SET encrypted_system_key = NULL,"
        " system_key_encryption_key_id = NULL, system_key_suffix = NULL,"
        " system_key_fingerprint = NULL, system_key_status = 'unverified',"
        " system_key_reason = NULL, system_key_checked_at = NULL, updated_at = now()"
        " FROM llm_providers AS held WHERE held.id = p.id AND p.provider_slug = %s"
        " AND p.encrypted_system_key IS NOT NULL RETURNING p.id, held.system_key_fingerprint",
        (provider,),
    )
    return await cursor.fetchone()


async def note_system_key_status(
    connection: psycopg.AsyncConnection[Any],
    provider_id: int,
    status: str,
    reason: str | None,
) -> None:
    await connection.execute(
        "UPDATE llm_providers SET system_key_status = %s, system_key_reason = %s,"
        " system_key_checked_at = now(), updated_at = now() WHERE id = %s",
        (status, reason, provider_id),
    )
