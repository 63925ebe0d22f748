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

import msgspec
import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb

from shared.catalog.facts.read import read_facts
from shared.catalog.genai_prices import every_known_model
from shared.db.connect import Connection
from shared.log import get_logger
from shared.pricing.price import Price, parse_price
from shared.routing.known_models import Facts, KnownModel, KnownModels, kind_named

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
    # 80 ms and 1 MB, in which a process that serves would stand still.
    return await asyncio.to_thread(_build, rows, version)


def _build(rows: list[dict[str, Any]], version: object) -> KnownModels:
    known = (one for row in rows if (one := _known(row)) is not None)
    return KnownModels(known, read_facts(), version)


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


class Described(msgspec.Struct, frozen=True):
    """What the catalog says of a model: `fields` by the names of ModelRow, and its price."""

    fields: dict[str, Any]
    prices: dict[str, Any] | None
    source: str | None


async def described(connection: Connection, provider: str, model_id: str) -> Described | None:
    """None where the catalog does not know it there. Raises psycopg.Error."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT id, provider_slug, names, pattern, context_window, prices, model_ids, source,"
            " checked_at FROM known_models WHERE provider_slug = %s ORDER BY id",
            [provider],
        )
        rows = {row["id"]: row for row in await cursor.fetchall()}
    known = [(row_id, one) for row_id, row in rows.items() if (one := _known(row)) is not None]
    found = KnownModels(one for _, one in known).find(provider, model_id)
    row = next((rows[row_id] for row_id, one in known if one is found), None)
    fields = known_fields(provider, model_id)
    if row is None and not fields:
        return None
    if row is None:
        return Described(fields, None, None)
    context = {"context_window": row["context_window"]} if row["context_window"] else {}
    return Described(fields | context, row["prices"], row["source"])


def known_fields(provider: str, model_id: str) -> dict[str, Any]:
    """By the names of ModelRow; empty where nothing is known, not even by the model's name."""
    facts, kind = KnownModels(facts=read_facts()).facts_of(provider, model_id), kind_named(model_id)
    if facts is None:
        return {} if kind is None else {"kind": kind}
    return facts_as_fields(facts if facts.kind else msgspec.structs.replace(facts, kind=kind))


def facts_as_fields(facts: Facts) -> dict[str, Any]:
    """By the names of ModelRow. What is not known is held against no model."""
    known = {
        "kind": facts.kind,
        "max_tokens": facts.max_tokens,
        "dimensions": facts.dimensions,
        "supports_function_calling": facts.tools is not False,
        "supports_vision": facts.vision is not False,
        "supports_json_mode": facts.json is not False,
    }
    return {name: value for name, value in known.items() if value is not None}
