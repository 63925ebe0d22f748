"""The bill of materials of check_health: no routes, it runs from a queue and on a schedule."""

from __future__ import annotations

from functions.check_health.job import SETTINGS, run_check
from shared import jobs
from shared.function import Function

CHECK_HEALTH = Function(
    name="check_health",
    reads=SETTINGS,
    jobs={jobs.CHECK_HEALTH: run_check},
)
