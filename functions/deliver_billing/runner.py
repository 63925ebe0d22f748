"""Opens what a delivery needs, in the process of the queue or of a platform's timer."""

from __future__ import annotations

from functools import cache

from functions.deliver_billing.job import deliver
from shared.db.thread_connection import ThreadConnections
from shared.settings import BillingSettings, DatabaseSettings, Settings, load_settings

SETTINGS = (BillingSettings, DatabaseSettings)


def run_delivery() -> int:
    """deliver, on this thread's connection. Raises psycopg.Error, SettingsInvalid."""
    return deliver(_connections().get(), _settings()[BillingSettings])


@cache
def _settings() -> Settings:
    return load_settings(*SETTINGS)


@cache
def _connections() -> ThreadConnections:
    return ThreadConnections(_settings()[DatabaseSettings].dsn)
