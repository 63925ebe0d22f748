"""An operator hears once of each budget of which 50, 80 and 100 % are used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from functions.deliver_billing.job import deliver
from shared.db.connect import Database
from shared.limits.book import Held
from shared.limits.events import BudgetEvents, reached
from shared.limits.hold import Hold, Needs, Used
from shared.limits.lease import Lease
from shared.limits.limit import Kind
from shared.settings import BillingSettings
from tests.fakes.billing_server import LAGO_KEY, WEBHOOK_SECRET, BillingServer
from tests.shared.limits.machine import Process, World


class Two:
    def __init__(self, world: World) -> None:
        self.world = world
        self.processes = [Process(world) for _ in range(2)]
        for _ in range(12):
            self.renew()

    def renew(self) -> None:
        self.world.pass_by(1.0)
        for one in self.processes:
            self.world.do(one.renew())

    def spend(self, which: int, usd: int) -> bool:
        is_served = self.processes[which].reserve({Kind.DAY: usd})
        if is_served:
            self.processes[which].settle(1.0)
        self.renew()
        return is_served


@pytest.fixture
def two(redis_url: str) -> Iterator[Two]:
    loop = asyncio.new_event_loop()
    world = World(redis_url, loop)
    try:
        yield Two(world)
    finally:
        world.close()
        loop.close()


def test_each_share_is_told_once_whichever_process_used_it(two: Two) -> None:
    told: list[list[int]] = []
    for number in range(10):
        while not two.spend(number % 2, 100):
            pass  # what the other holds beside what it needs comes back
        told.append(list(two.world.reached))
    assert told == [[]] * 4 + [[50]] * 3 + [[50, 80]] * 2 + [[50, 80, 100]]


def test_of_several_at_once_the_highest_is_told(two: Two) -> None:
    two.spend(0, 990)
    assert two.world.reached == [80]


def test_a_budget_of_which_less_is_left_than_a_request_needs_is_used_up(two: Two) -> None:
    two.spend(0, 960)
    assert not two.spend(1, 50)
    assert two.world.reached == [80, 100]


def test_a_request_that_is_too_large_for_a_fresh_budget_says_nothing_of_it(two: Two) -> None:
    assert not two.spend(0, 2000)
    assert two.world.reached == []


def test_a_budget_that_was_raised_is_told_of_anew(two: Two) -> None:
    two.spend(0, 1000)
    two.world.amounts[Kind.DAY] = 1200
    two.spend(0, 10)
    assert two.world.reached == [100, 80]


def day_lease(world: World) -> Lease:
    return Process(world).lease(Kind.DAY)


def test_it_is_written_once_and_told_to_the_webhook_alone(
    two: Two, migrated_database_url: str
) -> None:
    lease = day_lease(two.world)

    async def tell() -> None:
        database = Database(migrated_database_url)
        events = BudgetEvents(database)
        await database.open()
        running = asyncio.create_task(events.run())
        events.tell(lease, 80)
        events.tell(lease, 80)  # once more, after a Redis that was lost
        events.tell(lease, 100)
        await events.written()
        running.cancel()
        await database.close()

    two.world.do(tell())
    with (
        psycopg.connect(migrated_database_url, autocommit=True) as connection,
        BillingServer() as server,
    ):
        hook = BillingSettings(
            USAGE_WEBHOOK_URL=f"{server.url}/hook",
            USAGE_WEBHOOK_SECRET=WEBHOOK_SECRET,
            LAGO_API_URL=server.url,
            LAGO_API_KEY=LAGO_KEY,
        )
        assert deliver(connection, hook) == 2
        assert deliver(connection, hook) == 0
    assert sorted(server.deliveries) == sorted(
        reached(lease, percent).event_id for percent in (80, 100)
    )
    told: dict[str, Any] = server.events[reached(lease, 80).event_id]
    assert told == {
        "scope": "all",
        "subject": "*",
        "kind": "budget_day_usd",
        "period": "today",
        "percent": 80,
        "limit_id": 1,
        "limit_usd": Decimal("0.000001"),
    }


def test_what_nobody_is_there_to_be_told_waits_in_no_outbox(migrated_database_url: str) -> None:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO budget_events (event_id, limit_id, scope, subject, kind, period, percent,"
            " limit_usd) VALUES ('budget:a', 1, 'all', '*', 'budget_day_usd', 'today', 50, 1)"
        )
        assert deliver(connection, BillingSettings()) == 0
        assert connection.execute("SELECT count(*) FROM usage_outbox").fetchone() == (0,)


class _Limits:
    """Grants all."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def lease(self, _held: Held, kind: Kind, _amount: int) -> Lease:
        return self._process.lease(kind)

    async def reserve(self, *_: object, **__: object) -> None:
        pass

    def settle(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("cost", "overrun"), [(99, 0), (100, 0), (130, 30)])
def test_what_a_request_cost_above_what_was_reserved_is_its_overrun(
    two: Two, cost: int, overrun: int
) -> None:
    held = Held(two.world.limit(), "*", "all:*")
    hold = Hold(_Limits(two.processes[0]), (held,))
    two.world.do(hold.take((), Needs(10, 100, is_own_key=False)))
    assert hold.settle(Used(10, cost, is_own_key=False)) == overrun
