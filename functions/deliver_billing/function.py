"""The bill of materials of deliver_billing: no routes, it runs from a queue."""

from __future__ import annotations

from functions.deliver_billing.job import SETTINGS, run_delivery
from shared import jobs
from shared.function import Function

DELIVER_BILLING = Function(
    name="deliver_billing",
    reads=SETTINGS,
    jobs={jobs.DELIVER_BILLING: run_delivery},
)
