"""The price catalog's models: copied into the database by `migrate`, read when one is asked for.

The package that they come from costs 0.3 s and 40 MB where it is imported; a serving process reads
this copy, and only once somebody names a model that is not listed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from importlib import metadata
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.catalog.genai_prices import every_known_model
from shared.db.connect import Database
from shared.errors import NotReady
from shared.log import get_logger
from shared.pricing.price import Price, parse_price
from shared.resources import opener
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.levels import AUTO
from shared.routing.names import find_models
from shared.routing.snapshot import Snapshot

_UNLISTED_VERSION = 0
_AGAIN_AFTER_S = 3600.0


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
        (one.provider, one.names, one.pattern, one.context_window, Jsonb(one.prices), source, now)
        for one in every_known_model(slugs, now)
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM known_models")
        cursor.executemany(
            "INSERT INTO known_models (provider_slug, names, pattern, context_window, prices,"
            " source, checked_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    return len(rows)


class KnownModelsKeeper:
    """The copy, in the memory of a process that was asked for an unlisted model. One reads it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models: KnownModels | None = None
        self._read_at_s = 0.0
        self._reading = asyncio.Lock()

    async def wanted(self, snapshot: Snapshot, request: RoutingRequest) -> KnownModels | None:
        """The catalog's models where `request` needs them: a name that is not listed, and a key.

        Raises NotReady where they were never read and the database is down.
        """
        if not request.own_keys or all(_is_listed(snapshot, name) for name in request.models):
            return None
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if self._models is None or now - self._read_at_s > _AGAIN_AFTER_S:
                await self._read(now)
        return self._models

    async def _read(self, now: float) -> None:
        try:
            async with self._database.connection() as connection:
                cursor = connection.cursor(row_factory=dict_row)
                await cursor.execute(
                    "SELECT id, provider_slug, names, pattern, context_window, prices"
                    " FROM known_models ORDER BY id"
                )
                rows = await cursor.fetchall()
            self._models = await asyncio.to_thread(_build, rows)
            self._read_at_s = now
        except (psycopg.Error, OSError) as error:
            get_logger().warning("known_models.not_read", error=type(error).__name__)
            if self._models is None:
                raise NotReady(
                    "An unlisted model cannot be looked up right now: the database is unavailable.",
                    code="database_unavailable",
                ) from error


def _is_listed(snapshot: Snapshot, name: str) -> bool:
    return name == AUTO or name in snapshot.levels_by_name or bool(find_models(snapshot, name))


def _build(rows: list[dict[str, Any]]) -> KnownModels:
    return KnownModels(one for row in rows if (one := _known(row)) is not None)


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
        row["provider_slug"], tuple(row["names"]), row["pattern"], row["context_window"], price
    )


@opener
async def open_known_models(database: Database) -> AsyncGenerator[KnownModelsKeeper]:
    """It reads when first asked."""
    yield KnownModelsKeeper(database)
