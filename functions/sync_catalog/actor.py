"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg

from functions.sync_catalog.job import sync_catalog
from functions.sync_catalog.queue import SYNC_ACTOR, SYNC_QUEUE
from shared.log import get_logger

_DAY_MS = 24 * 3600 * 1000


# No retries: a day's prices come with the next day's run, or by `switchyard catalog sync`.
@dramatiq.actor(actor_name=SYNC_ACTOR, queue_name=SYNC_QUEUE, max_retries=0, max_age=_DAY_MS)
def sync() -> None:
    try:
        sync_catalog()
    except psycopg.OperationalError as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        get_logger().warning("catalogue.sync_postponed", reason=reason)
