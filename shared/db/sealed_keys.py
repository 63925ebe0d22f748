"""All that the vault has sealed, callers' keys and the platform's, for commands that walk it.

A row is written only if it still holds what was read: a key stored meanwhile wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row


class Table(StrEnum):
    USER_KEYS = "user_api_keys"
    SYSTEM_KEYS = "llm_providers"


class SealedRow(msgspec.Struct, frozen=True):
    """`user_id` None: the platform's key. `key_id` None: sealed by the older system."""

    id: int
    user_id: str | None
    provider: str
    base_url: str
    is_local: bool
    sealed: str
    key_id: str | None


class Resealed(msgspec.Struct, frozen=True):
    """`suffix` and `fingerprint` are None where what is shown of the key stays as it was."""

    id: int
    before: str
    after: str
    key_id: str
    suffix: str | None = None
    fingerprint: str | None = None


_READ: dict[Table, LiteralString] = {
    Table.USER_KEYS: (
        "SELECT k.id, k.user_id, p.provider_slug AS provider, p.base_url, p.is_local,"
        " k.encrypted_api_key AS sealed, k.encryption_key_id AS key_id"
        " FROM user_api_keys k JOIN llm_providers p ON p.id = k.provider_id"
        " WHERE k.id > %(after)s AND (%(all)s OR k.encryption_key_id IS DISTINCT FROM %(newest)s)"
        " ORDER BY k.id LIMIT %(limit)s"
    ),
    Table.SYSTEM_KEYS: (
        "SELECT id, NULL AS user_id, provider_slug AS provider, base_url, is_local,"
        " encrypted_system_key AS sealed, system_key_encryption_key_id AS key_id"
        " FROM llm_providers WHERE encrypted_system_key IS NOT NULL AND id > %(after)s"
        " AND (%(all)s OR system_key_encryption_key_id IS DISTINCT FROM %(newest)s)"
        " ORDER BY id LIMIT %(limit)s"
    ),
}
_COUNT: dict[Table, LiteralString] = {
    Table.USER_KEYS: (
        "SELECT count(*) FROM user_api_keys"
        " WHERE %(all)s OR encryption_key_id IS DISTINCT FROM %(newest)s"
    ),
    Table.SYSTEM_KEYS: (
        "SELECT count(*) FROM llm_providers WHERE encrypted_system_key IS NOT NULL"
        " AND (%(all)s OR system_key_encryption_key_id IS DISTINCT FROM %(newest)s)"
    ),
}
# One statement a batch: its trigger tells every process once, not once a row.
_WRITE: dict[Table, LiteralString] = {
    Table.USER_KEYS: (
        "UPDATE user_api_keys AS k SET encrypted_api_key = new.after,"
        " encryption_key_id = new.key_id, key_suffix = coalesce(new.suffix, k.key_suffix),"
        " key_fingerprint = coalesce(new.fingerprint, k.key_fingerprint), updated_at = now()"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " AS new (id, before, after, key_id, suffix, fingerprint)"
        " WHERE k.id = new.id AND k.encrypted_api_key = new.before"
    ),
    Table.SYSTEM_KEYS: (
        "UPDATE llm_providers AS p SET encrypted_system_key = new.after,"
        " system_key_encryption_key_id = new.key_id,"
        " system_key_suffix = coalesce(new.suffix, p.system_key_suffix),"
        " system_key_fingerprint = coalesce(new.fingerprint, p.system_key_fingerprint),"
        " updated_at = now()"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " AS new (id, before, after, key_id, suffix, fingerprint)"
        " WHERE p.id = new.id AND p.encrypted_system_key = new.before"
    ),
}


def read_sealed(
    connection: psycopg.Connection[Any],
    table: Table,
    *,
    after: int,
    limit: int,
    older_than: str | None,
) -> list[SealedRow]:
    """Rows above the id `after`, in order. `older_than`: only those not sealed with that key."""
    values = {"after": after, "limit": limit, "all": older_than is None, "newest": older_than}
    with connection.cursor(row_factory=class_row(SealedRow)) as cursor:
        return cursor.execute(_READ[table], values).fetchall()


def count_sealed(
    connection: psycopg.Connection[Any], table: Table, *, older_than: str | None
) -> int:
    """How many rows `read_sealed` would give in all."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        values = {"all": older_than is None, "newest": older_than}
        [number] = cursor.execute(_COUNT[table], values).fetchall()
        return number


def write_resealed(
    connection: psycopg.Connection[Any], table: Table, rows: Sequence[Resealed]
) -> int:
    """How many were written; the others were changed meanwhile."""
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, rows), strict=True)]
    return connection.execute(_WRITE[table], columns).rowcount
