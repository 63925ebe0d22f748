"""The bill of materials of clock: what it does itself, for a platform whose timer is not ours."""

from __future__ import annotations

from functools import cache

from functions.clock import jobs
from shared.db.thread_connection import ThreadConnections
from shared.function import Function
from shared.jobs import FORGET_STALE_HEALTH, TRIM
from shared.settings import DatabaseSettings, HealthSettings, Settings, load_settings

SETTINGS = (DatabaseSettings, HealthSettings)


def forget_stale_health() -> None:
    """Raises SettingsInvalid, psycopg.Error."""
    settings, connections = _opened()
    jobs.forget_stale_health(connections, settings[HealthSettings].interval_s)


def trim() -> None:
    """Raises the same."""
    jobs.trim(_opened()[1])


@cache
def _opened() -> tuple[Settings, ThreadConnections]:
    settings = load_settings(*SETTINGS)
    return settings, ThreadConnections(settings[DatabaseSettings].dsn)


CLOCK = Function(
    name="clock",
    reads=SETTINGS,
    jobs={FORGET_STALE_HEALTH: forget_stale_health, TRIM: trim},
)
