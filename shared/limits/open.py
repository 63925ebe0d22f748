"""Opens the limits of a process: their rows as they are now, and a holder of leases in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import psycopg
from psycopg.rows import dict_row

from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database, Use
from shared.keyspace import Redis
from shared.limits.events import BudgetEvents
from shared.limits.exchange import Exchange
from shared.limits.grant import Grants
from shared.limits.lease import Lease
from shared.limits.limit import SELECT_LIMITS, Limit, read_limits
from shared.limits.limits import Limits
from shared.limits.spent import set_floors
from shared.log import get_logger
from shared.resources import Check, Checks, end_tasks, opener
from shared.settings import TryOutSettings

_FIRST_S = 5.0
_AGAIN_S = 1.0
_STOP_S = 1.0


class LimitRows:
    """Keeps the rows of `limits` fresh: an edit by anyone counts within 2 s."""

    def __init__(self, database: Database, limits: Limits, keeper: SnapshotKeeper) -> None:
        self._database = database
        self._limits = limits
        self._changed = asyncio.Event()
        self.first = asyncio.Event()
        keeper.on_change("limits", self._changed.set)
        self._changed.set()

    async def complaint(self) -> str | None:
        """None once they were read."""
        return None if self.first.is_set() else "the limits were not read yet"

    async def run(self) -> None:
        """Until cancelled; while the database is down, what was read holds on."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self._limits.set_rows(await self._read())
            except (psycopg.Error, OSError) as error:
                get_logger().warning("limits.not_read", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
                self._changed.set()
            else:
                self.first.set()

    async def _read(self) -> list[Limit]:
        async with (
            self._database.connection(Use.LOOK_UP) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(SELECT_LIMITS)
            found, bad = read_limits(await cursor.fetchall())
        for row_id, error in bad:
            get_logger().warning(
                "limits.row_left_out", row=row_id, column=error.column, reason=str(error)
            )
        return found


@opener
async def open_limits(
    database: Database,
    keeper: SnapshotKeeper,
    redis: Redis,
    checks: Checks,
    try_out: TryOutSettings,
) -> AsyncGenerator[Limits]:
    """The rows were read, or waited for 5 s. Nothing waits for Redis."""
    simulated = try_out.simulated_provider_url is not None

    async def floors(leases: Sequence[Lease]) -> bool:
        return await set_floors(database, leases, simulated=simulated)

    events = BudgetEvents(database)
    exchange = Exchange(Grants(redis), floors, events.tell)
    limits = Limits(exchange)
    rows = LimitRows(database, limits, keeper)
    checks.append(Check("limits", rows.complaint, critical=True))
    tasks = [
        asyncio.create_task(rows.run(), name="limits.rows"),
        asyncio.create_task(exchange.run(), name="limits.exchange"),
        asyncio.create_task(events.run(), name="limits.events"),
    ]
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(rows.first.wait(), _FIRST_S)
        yield limits
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(events.written(), _STOP_S)
        await end_tasks(*tasks)
        with suppress(TimeoutError):
            await asyncio.wait_for(exchange.leave(), _STOP_S)
