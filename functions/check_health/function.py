"""The bill of materials of check_health: no routes, it runs from a queue."""

from __future__ import annotations

from uuid import uuid4

from functions.check_health.runner import SETTINGS, run_check
from shared.function import Function, Job
from shared.health.queue import HEALTH_ACTOR


def check() -> None:
    """A run of its own: where there is no clock, a call that comes twice checks twice."""
    run_check(str(uuid4()))


CHECK_HEALTH = Function(
    name="check_health",
    settings=SETTINGS,
    jobs=[Job(HEALTH_ACTOR, check, "rate(5 minutes)")],
)
