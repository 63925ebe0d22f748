"""Jobs that were given up, kept to be looked at: the queue drops its own copy after a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

KEPT_DAYS = 90


def keep_dead_letter(
    connection: psycopg.Connection[Any],
    *,
    message_id: str,
    queue: str,
    actor: str,
    message: Mapping[str, Any],
    reason: str,
) -> bool:
    """Keep it; False where it is kept already. `message` holds ids only, as every job's does."""
    inserted = connection.execute(
        "INSERT INTO dead_letters (message_id, queue, actor, message, reason)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (message_id) DO NOTHING",
        (message_id, queue, actor, Jsonb(dict(message)), reason.replace("\0", "")),
    )
    return inserted.rowcount > 0


def trim_dead_letters(connection: psycopg.Connection[Any]) -> int:
    """Forget those older than KEPT_DAYS; how many."""
    return connection.execute(
        "DELETE FROM dead_letters WHERE created_at < now() - make_interval(days => %s)",
        (KEPT_DAYS,),
    ).rowcount
