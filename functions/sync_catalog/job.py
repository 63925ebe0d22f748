"""What `switchyard catalog sync --apply` does, by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

from shared.catalog.sync import ChangeKind, apply_sync, plan_sync, provider_slugs
from shared.db.audit import Actor
from shared.db.connect import connect_once
from shared.log import get_logger
from shared.settings import DatabaseSettings, load_settings

SETTINGS = (DatabaseSettings,)
_ACTOR = Actor("sync_catalogue")


def sync_catalog() -> int:
    """The number of models and prices that came; all of them in one transaction.

    A second run finds nothing left to do. Raises psycopg.Error, SettingsInvalid.
    """
    return asyncio.run(_sync(load_settings(*SETTINGS)[DatabaseSettings].dsn))


async def _sync(dsn: str) -> int:
    at = datetime.now(UTC)
    async with connect_once(dsn) as connection:
        steps = await plan_sync(connection, await provider_slugs(connection), at)
        await apply_sync(connection, _ACTOR, steps, at)
    counts = Counter(step.change.kind for step in steps)
    get_logger().info("catalogue.synced", **{kind.value: counts[kind] for kind in ChangeKind})
    return counts[ChangeKind.NEW] + counts[ChangeKind.PRICE]
