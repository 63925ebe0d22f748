"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

from functools import cache

import dramatiq
import psycopg
import redis

from functions.deliver_billing.runner import run_delivery
from shared.ledger.billing_event import BILLING_NUDGE, BILLING_QUEUE, DELIVER_ACTOR
from shared.log import get_logger
from shared.settings import RedisSettings, load_settings

_TICK_MS = 10_000


@cache
def _redis() -> redis.Redis:
    url = load_settings(RedisSettings)[RedisSettings].url
    return redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]


# The clock's next tick is the retry; what waited longer than a few of them is superseded.
@dramatiq.actor(
    actor_name=DELIVER_ACTOR, queue_name=BILLING_QUEUE, max_retries=0, max_age=6 * _TICK_MS
)
def deliver_billing() -> None:
    _redis().delete(BILLING_NUDGE)
    try:
        run_delivery()
    except psycopg.OperationalError as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        get_logger().warning("billing.postponed", reason=reason)
