"""The bill of materials of health: provider health for admins, and the probes alone.

Its /readyz answers for the database, the catalogue and Redis without serving anything else.
"""

from __future__ import annotations

from functions.health.gauges import open_health_gauges
from functions.health.handler import check, list_health
from shared.auth.authenticator import open_authenticator
from shared.db.connect import open_database
from shared.db.watch import open_snapshot
from shared.dispatch import open_dispatch
from shared.function import Function
from shared.settings import DatabaseSettings, RedisSettings, TryOutSettings
from shared.usage.redis import open_redis

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
