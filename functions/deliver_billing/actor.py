"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

from functools import cache

import dramatiq
import psycopg

from functions.deliver_billing.job import run_delivery
from shared.jobs import DELIVER_BILLING, clear_nudge
from shared.keyspace import SyncRedis, connect
from shared.log import get_logger, one_line
from shared.settings import RedisSettings, load_settings


@cache
def _redis() -> SyncRedis:
    return connect(load_settings(RedisSettings)[RedisSettings].url)


# The clock's next tick is the retry; what waited longer than a few of them is superseded.
@dramatiq.actor(**DELIVER_BILLING.options)
def deliver_billing() -> None:
    clear_nudge(_redis(), DELIVER_BILLING)
    try:
        run_delivery()
    except psycopg.OperationalError as error:
        get_logger().warning("billing.postponed", reason=one_line(error))
