"""What an operator is told of budgets: in the log, in metrics, and to the webhook of billing."""

from __future__ import annotations

import asyncio
import hashlib
from decimal import Decimal
from typing import NamedTuple

import psycopg

from shared.db.connect import Database, Use
from shared.limits.lease import Lease
from shared.limits.limit import NANO_USD_PER_USD
from shared.log import get_logger
from shared.metrics import BUDGET_OVERRUNS, BUDGETS_REACHED

_AGAIN_S = 1.0
_MAX_UNWRITTEN = 1000
_INSERT = """
INSERT INTO budget_events (event_id, limit_id, scope, subject, kind, period, percent, limit_usd)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class BudgetReached(NamedTuple):
    """`percent` of a budget were used in `period`: a row of `budget_events`.

    `event_id` is the same whoever tells it: where Redis was lost it may be told twice, and is one.
    """

    event_id: str
    limit_id: int
    scope: str
    subject: str
    kind: str
    period: str
    percent: int
    limit_usd: Decimal


def reached(lease: Lease, percent: int) -> BudgetReached:
    """Of the budget of a lease so much is used."""
    name = f"{lease.key}:{lease.amount}:{percent}"
    return BudgetReached(
        f"budget:{hashlib.sha256(name.encode()).hexdigest()[:32]}",
        lease.limit.id,
        lease.limit.scope.value,
        lease.subject,
        lease.kind.value,
        lease.period.name if lease.period else "",
        percent,
        Decimal(lease.amount) / NANO_USD_PER_USD,
    )


class BudgetEvents:
    """Logs and counts at once; writes rows while PostgreSQL is there, the latest 1,000 at least."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unwritten: asyncio.Queue[BudgetReached] = asyncio.Queue(_MAX_UNWRITTEN)

    def tell(self, lease: Lease, percent: int) -> None:
        event = reached(lease, percent)
        BUDGETS_REACHED.labels(event.scope, str(percent)).inc()
        get_logger().warning(
            "budget.reached",
            percent=percent,
            row=event.limit_id,
            scope=event.scope,
            subject=event.subject,
            kind=event.kind,
            period=event.period,
        )
        if self._unwritten.full():
            self._unwritten.get_nowait()
            self._unwritten.task_done()
        self._unwritten.put_nowait(event)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._write(await self._unwritten.get())
            self._unwritten.task_done()

    async def written(self) -> None:
        """Wait until all that was told is written."""
        await self._unwritten.join()

    async def _write(self, event: BudgetReached) -> None:
        while True:
            try:
                async with self._database.connection(Use.CHANGE) as connection:
                    await connection.execute(_INSERT, event)
            except (psycopg.Error, OSError) as error:
                get_logger().warning("budget.event_not_written", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
            else:
                return


def tell_overrun(request_id: str, nano_usd: int) -> None:
    """A request cost so much more than was reserved: its provider counted more than the bound."""
    BUDGET_OVERRUNS.inc()
    get_logger().warning("budget.overrun", request_id=request_id, nano_usd=nano_usd)
