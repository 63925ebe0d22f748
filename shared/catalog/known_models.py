"""The price catalog's models: copied into the database by `migrate`, read with the snapshot.

The package that they come from costs 0.3 s and 40 MB where it is imported; a serving process reads
this copy, and reads it again only where it has changed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import datetime
from importlib import metadata
from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb

from shared.catalog.genai_prices import every_known_model
from shared.db.connect import Connection
from shared.log import get_logger
from shared.pricing.price import Price, parse_price
from shared.routing.known_models import KnownModel, KnownModels

_UNLISTED_VERSION = 0


def copy_known_models(
    connection: psycopg.Connection[Any], slugs: Iterable[str], now: datetime
) -> int:
    """Bring the copy to the installed release of genai-prices; how many rows it then has, or 0.

    Nothing is done where it is that release's already.
    """
    source = f"genai-prices {metadata.version('genai-prices')}"
    held = connection.execute("SELECT source FROM known_models LIMIT 1").fetchone()
    if held is not None and held[0] == source:
        return 0
    rows = [
        (
            *(one.provider, one.names, one.pattern, one.context_window, Jsonb(one.prices)),
            *(source, now, one.ids),
        )
        for one in every_known_model(slugs, now)
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM known_models")
        cursor.executemany(
            "INSERT INTO known_models (provider_slug, names, pattern, context_window, prices,"
            " source, checked_at, model_ids) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    return len(rows)


async def read_known_models(connection: Connection, held: KnownModels) -> KnownModels:
    """The copy; `held` itself where it is still the same. Raises psycopg.Error."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT count(*), max(id) FROM known_models")
        version = await cursor.fetchone()
    if held.version == version:
        return held
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT id, provider_slug, names, pattern, context_window, prices, model_ids, source,"
            " checked_at FROM known_models ORDER BY id"
        )
        rows = await cursor.fetchall()
    # 20 ms, in which a process that serves would stand still.
    return await asyncio.to_thread(_build, rows, version)


def _build(rows: list[dict[str, Any]], version: object) -> KnownModels:
    return KnownModels((one for row in rows if (one := _known(row)) is not None), version)


def _known(row: dict[str, Any]) -> KnownModel | None:
    """A row, or None where it cannot be read."""
    try:
        if row["pattern"] is not None:
            re.compile(row["pattern"])
        price: Price | None = None
        if row["prices"] is not None:
            price = parse_price(_UNLISTED_VERSION, row["prices"])
    except (ValueError, re.error) as error:
        get_logger().debug("known_models.row_left_out", row=row["id"], reason=str(error))
        return None
    return KnownModel(
        provider=row["provider_slug"],
        names=tuple(row["names"]),
        pattern=row["pattern"],
        context_window=row["context_window"],
        price=price,
        ids=tuple(row["model_ids"] or ()),
        source=row["source"],
        checked_at=row["checked_at"],
    )
