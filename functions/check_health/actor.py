"""Registers the actor of this function: import it once the broker is set."""

from __future__ import annotations

import dramatiq
import psycopg

from functions.check_health.job import run_check
from shared.jobs import health_checks_every
from shared.log import get_logger, one_line
from shared.settings import HealthSettings, load_settings

_interval_s = load_settings(HealthSettings)[HealthSettings].interval_s


# No retries, and no run of a tick that is over: the next tick comes soon enough.
@dramatiq.actor(**health_checks_every(_interval_s).options)
def check(run: str) -> None:
    try:
        run_check(run)
    except (psycopg.OperationalError, TimeoutError) as error:
        get_logger().warning("health.check_failed", run=run, reason=one_line(error))
