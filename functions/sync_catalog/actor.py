"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg

from functions.sync_catalog.job import sync_catalog
from shared.jobs import SYNC_CATALOG
from shared.log import get_logger, one_line


# No retries: a day's prices come with the next day's run, or by `switchyard catalog sync`.
@dramatiq.actor(**SYNC_CATALOG.options)
def sync() -> None:
    try:
        sync_catalog()
    except psycopg.OperationalError as error:
        get_logger().warning("catalogue.sync_postponed", reason=one_line(error))
