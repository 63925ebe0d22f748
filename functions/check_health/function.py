"""The bill of materials of check_health: no routes, it runs from a queue."""

from __future__ import annotations

from functions.check_health.runner import SETTINGS
from shared.function import Function

CHECK_HEALTH = Function(name="check_health", settings=SETTINGS)
