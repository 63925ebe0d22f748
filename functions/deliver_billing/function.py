"""The bill of materials of deliver_billing: no routes, it runs from a queue."""

from __future__ import annotations

from functions.deliver_billing.runner import SETTINGS, run_delivery
from shared.function import Function, Job
from shared.ledger.billing_event import DELIVER_ACTOR

DELIVER_BILLING = Function(
    name="deliver_billing",
    reads=SETTINGS,
    jobs=[Job(DELIVER_ACTOR, run_delivery, "rate(1 minute)")],
)
