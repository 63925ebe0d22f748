"""The names by which a check of all providers is asked for."""

from __future__ import annotations

HEALTH_ACTOR = "health.check"
HEALTH_QUEUE = "health"
