"""The bill of materials of deliver_billing: no routes, it runs from a queue."""

from __future__ import annotations

from shared.function import Function
from shared.settings import BillingSettings, DatabaseSettings, RedisSettings

DELIVER_BILLING = Function(
    name="deliver_billing", settings=[BillingSettings, DatabaseSettings, RedisSettings]
)
