"""The bill of materials of health: the probes alone, over everything a deployment depends on.

Its /readyz answers for the database, the catalogue and Redis without serving anything else; the
routes of provider health come with the monitor.
"""

from __future__ import annotations

from shared.auth.authenticator import open_authenticator
from shared.db.connect import open_database
from shared.db.watch import open_snapshot
from shared.function import Function
from shared.settings import DatabaseSettings, RedisSettings, TryOutSettings
from shared.usage.redis import open_redis

HEALTH = Function(
    name="health",
    settings=[DatabaseSettings, RedisSettings, TryOutSettings],
    opens=[open_database, open_snapshot, open_authenticator, open_redis],
)
