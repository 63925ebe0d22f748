"""The bill of materials of health: provider health for admins, and the probes alone.

Its /readyz answers for the database, the catalog and Redis without serving anything else.
"""

from __future__ import annotations

from functions.health.gauges import open_health_gauges
from functions.health.handler import check, list_health
from shared.auth.authenticator import open_authenticator
from shared.catalog.watch import open_snapshot
from shared.db.connect import open_database
from shared.function import Function
from shared.jobs import open_dispatch
from shared.keyspace import open_redis
from shared.settings import DatabaseSettings, RedisSettings, TryOutSettings

HEALTH = Function(
    name="health",
    handlers=[list_health, check],
    settings=[DatabaseSettings, RedisSettings, TryOutSettings],
    opens=[
        open_database,
        open_snapshot,
        open_authenticator,
        open_redis,
        open_dispatch,
        open_health_gauges,
    ],
)
