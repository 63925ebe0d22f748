"""Rows of llm_models as an admin reads and changes them, and the versions of their prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from shared.catalog.rows import insert_row, update_row
from shared.db.connect import Connection

# The few whose name in the table is not the one that the API has.
_COLUMN_OF = {"name": "model_name", "min_tier": "min_tier_required"}


class PriceVersion(msgspec.Struct, frozen=True):
    """`prices` as in model_prices: tiers of decimal strings, USD per million tokens."""

    version: int
    prices: dict[str, Any]
    source: str
    valid_from: datetime
    checked_at: datetime


class ModelRow(msgspec.Struct, frozen=True):
    """`price` is the newest version, used to bill requests from now on; null: unpriced."""

    id: int
    provider: str
    model_id: str
    name: str
    display_name: str | None
    description: str | None
    max_tokens: int | None
    context_window: int | None
    kind: str
    dimensions: int | None
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    supports_json_mode: bool
    power_level: str | None
    power_level_priority: int
    is_active: bool
    is_deprecated: bool
    deprecation_date: datetime | None
    replacement_model_id: str | None
    min_tier: str
    price: PriceVersion | None
    created_at: datetime
    updated_at: datetime


class _Found(msgspec.Struct, frozen=True):
    """`row` is a whole ModelRow as JSON: its price comes with it in one query."""

    row: dict[str, Any]


_COMPUTED: Mapping[str, sql.SQL] = {
    "provider": sql.SQL("(SELECT provider_slug FROM llm_providers WHERE id = m.provider_id)"),
    "price": sql.SQL(
        "(SELECT jsonb_build_object('version', version, 'prices', prices, 'source', source,"
        " 'valid_from', valid_from, 'checked_at', checked_at) FROM model_prices"
        " WHERE model_id = m.id ORDER BY version DESC LIMIT 1)"
    ),
}
_ROW = sql.SQL("jsonb_build_object({}) AS row").format(
    sql.SQL(", ").join(
        sql.SQL("{}, {}").format(
            sql.Literal(name),
            _COMPUTED.get(name) or sql.Identifier("m", _COLUMN_OF.get(name, name)),
        )
        for name in ModelRow.__struct_fields__
    )
)


async def list_models(connection: Connection, provider: str | None) -> list[ModelRow]:
    """All of them, or those of one provider, in the order of their ids."""
    where = sql.SQL(
        ""
        if provider is None
        else " WHERE m.provider_id = (SELECT id FROM llm_providers WHERE provider_slug = %s)"
    )
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {} FROM llm_models m{} ORDER BY m.id").format(_ROW, where),
            [] if provider is None else [provider],
        )
        return [_row(found) for found in await cursor.fetchall()]


async def find_model(
    connection: Connection, model_id: int, *, for_update: bool = False
) -> ModelRow | None:
    lock = sql.SQL(" FOR UPDATE" if for_update else "")
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(
            sql.SQL("SELECT {} FROM llm_models m WHERE m.id = %s{}").format(_ROW, lock),
            [model_id],
        )
        found = await cursor.fetchone()
        return None if found is None else _row(found)


async def count_of(connection: Connection, provider: str, model_id: str) -> int:
    """How many rows this provider has for a model of this id; older systems may have several."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT count(*) FROM llm_models m JOIN llm_providers p ON p.id = m.provider_id"
            " WHERE p.provider_slug = %s AND m.model_id = %s",
            [provider, model_id],
        )
        [count] = await cursor.fetchall()
        return count


async def create_model(
    connection: Connection, provider: str, values: Mapping[str, Any]
) -> int | None:
    """`values` by the names of ModelRow; the new row's id, or None without such a provider.

    Holds the provider's row until the transaction's end: nobody adds another meanwhile.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT id FROM llm_providers WHERE provider_slug = %s FOR UPDATE", [provider]
        )
        provider_id = await cursor.fetchone()
    if provider_id is None:
        return None
    return await insert_row(
        connection, "llm_models", {"provider_id": provider_id, **_columns(values)}
    )


async def change_model(connection: Connection, model_id: int, changes: Mapping[str, Any]) -> None:
    """`changes` by the names of ModelRow."""
    await update_row(connection, "llm_models", ("id", model_id), _columns(changes))


async def add_price(
    connection: Connection, model_id: int, prices: Mapping[str, Any], *, source: str, at: datetime
) -> int:
    """The next version of the price, and its base tier in llm_models; its number.

    To be called with the model's row held. The versions before it stay: rows name them.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
            " SELECT %s, coalesce(max(version), 0) + 1, %s, %s, %s, %s FROM model_prices"
            " WHERE model_id = %s RETURNING version",
            [model_id, at, source, at, Jsonb(dict(prices)), model_id],
        )
        [version] = await cursor.fetchall()
    base = prices["tiers"][0]
    await connection.execute(
        "UPDATE llm_models SET cost_per_1m_input_tokens = %s, cost_per_1m_output_tokens = %s,"
        " cost_per_1m_tokens_cached = %s, cost_per_1m_tokens_cache_write = %s, price_source = %s,"
        " price_checked_at = %s, updated_at = now() WHERE id = %s",
        [
            Decimal(base["input"]),
            Decimal(base["output"]),
            *(
                None if base.get(part) is None else Decimal(base[part])
                for part in ("cached", "cache_write")
            ),
            source,
            at,
            model_id,
        ],
    )
    return version


async def has_power_level(connection: Connection, name: str) -> bool:
    found = await connection.execute("SELECT 1 FROM power_levels WHERE name = %s", [name])
    return await found.fetchone() is not None


async def uses_of(connection: Connection, model_id: int) -> tuple[int, bool]:
    """How many routing rules name the model, and whether usage of it is on record."""
    rules = await connection.execute(
        "SELECT count(*) FROM llm_routing_rules WHERE model_id = %s", [model_id]
    )
    used = await connection.execute(
        "SELECT 1 FROM usage_daily WHERE model_id = %s LIMIT 1", [model_id]
    )
    [count] = (await rules.fetchone()) or (0,)
    return count, await used.fetchone() is not None


async def delete_model(connection: Connection, model_id: int) -> None:
    """Its prices and rules go with it."""
    await connection.execute("DELETE FROM llm_models WHERE id = %s", [model_id])


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_COLUMN_OF.get(name, name): value for name, value in values.items()}


def _row(found: _Found) -> ModelRow:
    return msgspec.convert(found.row, ModelRow)
