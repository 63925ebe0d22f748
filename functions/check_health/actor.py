"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg

from functions.check_health.runner import LONGEST_S, run_check
from shared.health.queue import HEALTH_ACTOR, HEALTH_QUEUE
from shared.log import get_logger
from shared.settings import HealthSettings, load_settings

_interval_s = load_settings(HealthSettings)[HealthSettings].interval_s


# No retries, and no run of a tick that is over: the next tick comes soon enough.
@dramatiq.actor(
    actor_name=HEALTH_ACTOR,
    queue_name=HEALTH_QUEUE,
    max_retries=0,
    max_age=_interval_s * 1000,
    time_limit=int(LONGEST_S + 10) * 1000,
)
def check(run: str) -> None:
    try:
        run_check(run)
    except (psycopg.OperationalError, TimeoutError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        get_logger().warning("health.check_failed", run=run, reason=reason)
