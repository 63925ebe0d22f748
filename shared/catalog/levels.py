"""Rows of power_levels as an admin reads and changes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import class_row

from shared.catalog.rows import insert_row, update_row
from shared.db.connect import Connection


class LevelRow(msgspec.Struct, frozen=True):
    """A power level as it is in the table; the ceiling is on three parts input, one output."""

    name: str
    rank: int
    price_ceiling_usd_per_mtok: Decimal
    ttft_target_ms: int
    fallback: str
    default_max_tokens: int | None
    default_temperature: Decimal | None
    updated_at: datetime


_LEVELS = (
    "SELECT name, rank, price_ceiling_usd_per_mtok, ttft_target_ms, fallback,"
    " default_max_tokens, default_temperature, updated_at FROM power_levels"
)


async def list_levels(connection: Connection) -> list[LevelRow]:
    async with connection.cursor(row_factory=class_row(LevelRow)) as cursor:
        await cursor.execute(_LEVELS + " ORDER BY rank, name")
        return await cursor.fetchall()


async def insert_level(connection: Connection, fields: Mapping[str, Any]) -> None:
    await insert_row(connection, "power_levels", fields, returning="rank")


async def update_level(connection: Connection, name: str, fields: Mapping[str, Any]) -> None:
    await update_row(connection, "power_levels", ("name", name), fields)


async def delete_level(connection: Connection, name: str) -> bool:
    """False where there is none of this name."""
    cursor = await connection.execute("DELETE FROM power_levels WHERE name = %s", (name,))
    return cursor.rowcount == 1


async def users_of_level(connection: Connection, name: str) -> tuple[int, int]:
    """How many rules and how many models name a level."""
    cursor = await connection.execute(
        "SELECT (SELECT count(*) FROM llm_routing_rules WHERE power_level = %(name)s),"
        " (SELECT count(*) FROM llm_models WHERE power_level = %(name)s)",
        {"name": name},
    )
    [(rules, models)] = await cursor.fetchall()
    return rules, models
