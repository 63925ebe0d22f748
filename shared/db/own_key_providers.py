"""For which providers a caller has stored a key of their own."""

from __future__ import annotations

import psycopg

from shared.db.connect import Database
from shared.db.user_keys import serving_keys
from shared.log import get_logger

# What else the lists show is in memory: while the database is down they must not take long.
_WAIT_S = 1.0


async def providers_with_key(database: Database, user_id: str) -> frozenset[str] | None:
    """Slugs; None while the database is down: the rest of the list is in memory."""
    try:
        async with database.connection(within_s=_WAIT_S) as connection:
            return frozenset(key.provider for key in await serving_keys(connection, user_id))
    except psycopg.OperationalError as error:
        get_logger().warning("own_keys.unread", error=type(error).__name__)
        return None
