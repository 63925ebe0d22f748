"""The bill of materials of health: provider health for admins, and the probes alone.

Its /readyz answers for the database, the catalog and Redis without serving anything else.
"""

from __future__ import annotations

from functions.health.handler import check, list_health
from shared.auth.authenticator import Authenticator
from shared.catalog.news.stream import News
from shared.function import Function
from shared.health.check_call import CheckCall
from shared.health.gauges import HealthGauges
from shared.keyspace import Redis
from shared.upstream.platform_access import PlatformAccess

HEALTH = Function(
    name="health",
    handlers=[list_health, check],
    opens=[Authenticator, Redis, CheckCall, HealthGauges, News, PlatformAccess],
)
