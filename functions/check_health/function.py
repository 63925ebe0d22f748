"""The bill of materials of check_health: no routes, it runs from a queue and on a schedule."""

from __future__ import annotations

from functions.check_health.runner import SETTINGS, run_check
from shared.function import Function, Job
from shared.health.queue import HEALTH_ACTOR

CHECK_HEALTH = Function(
    name="check_health",
    reads=SETTINGS,
    jobs=[Job(HEALTH_ACTOR, run_check, "rate(5 minutes)")],
)
