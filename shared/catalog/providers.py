"""Rows of llm_providers as an admin reads and changes them; no key is ever read here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from shared.catalog.rows import insert_row, update_row
from shared.db.connect import Connection

# The few whose name in the table is not the one that the API has.
_COLUMN_OF = {"provider": "provider_slug", "name": "provider_name", "min_tier": "min_tier_required"}


class ProviderRow(msgspec.Struct, frozen=True):
    """`has_system_key`: an admin stored a platform key; `user_keys` counts callers' own."""

    id: int
    provider: str
    name: str
    display_name: str | None
    description: str | None
    base_url: str
    dialect: str
    auth_type: str
    litellm_prefix: str | None
    is_local: bool
    is_active: bool
    is_byok_supported: bool
    is_system_provider: bool
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    rate_limit_rpm: int | None
    rate_limit_tpm: int | None
    rate_limit_rpd: int | None
    min_tier: str
    opens: str
    api_key_format: str | None
    documentation_url: str | None
    pricing_url: str | None
    status_page_url: str | None
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None
    has_system_key: bool
    user_keys: int
    created_at: datetime
    updated_at: datetime


_COMPUTED: Mapping[str, sql.SQL] = {
    "has_system_key": sql.SQL("encrypted_system_key IS NOT NULL"),
    "user_keys": sql.SQL(
        "(SELECT count(*) FROM user_api_keys WHERE provider_id = llm_providers.id)"
    ),
}
_COLUMNS = sql.SQL(", ").join(
    sql.SQL("{} AS {}").format(
        _COMPUTED.get(name) or sql.Identifier(_COLUMN_OF.get(name, name)), sql.Identifier(name)
    )
    for name in ProviderRow.__struct_fields__
)


async def list_providers(connection: Connection) -> list[ProviderRow]:
    """All of them, in the order of their ids."""
    async with connection.cursor(row_factory=class_row(ProviderRow)) as cursor:
        await cursor.execute(sql.SQL("SELECT {} FROM llm_providers ORDER BY id").format(_COLUMNS))
        return await cursor.fetchall()


async def find_provider(
    connection: Connection, slug: str, *, for_update: bool = False
) -> ProviderRow | None:
    """`for_update` holds the row, and with it new keys for it, until the transaction's end."""
    lock = sql.SQL(" FOR UPDATE" if for_update else "")
    async with connection.cursor(row_factory=class_row(ProviderRow)) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {} FROM llm_providers WHERE provider_slug = %s{}").format(
                _COLUMNS, lock
            ),
            [slug],
        )
        return await cursor.fetchone()


async def create_provider(connection: Connection, values: Mapping[str, Any]) -> None:
    """`values` by the names of ProviderRow. Raises psycopg.errors.UniqueViolation."""
    await insert_row(connection, "llm_providers", _columns(values))


async def change_provider(
    connection: Connection, provider_id: int, changes: Mapping[str, Any]
) -> None:
    """`changes` by the names of ProviderRow. Raises psycopg.errors.UniqueViolation."""
    await update_row(connection, "llm_providers", ("id", provider_id), _columns(changes))


async def remove_keys(connection: Connection, provider_id: int) -> int:
    """Remove every key that is sealed to the provider's host; how many callers' keys there were."""
    await connection.execute(
        "UPDATE llm_providers SET encrypted_system_key = NULL, system_key_suffix = NULL,"
        " system_key_fingerprint = NULL, system_key_encryption_key_id = NULL,"
        " system_key_status = 'unverified', system_key_reason = NULL, system_key_checked_at = NULL"
        " WHERE id = %s AND encrypted_system_key IS NOT NULL",
        [provider_id],
    )
    removed = await connection.execute(
        "DELETE FROM user_api_keys WHERE provider_id = %s", [provider_id]
    )
    return removed.rowcount


async def count_models(connection: Connection, provider_id: int) -> int:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT count(*) FROM llm_models WHERE provider_id = %s", [provider_id]
        )
        [count] = await cursor.fetchall()
        return count


async def delete_provider(connection: Connection, provider_id: int) -> None:
    """Raises psycopg.errors.ForeignKeyViolation where models or keys of it are left."""
    await connection.execute("DELETE FROM llm_providers WHERE id = %s", [provider_id])


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_COLUMN_OF.get(name, name): value for name, value in values.items()}
