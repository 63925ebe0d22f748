"""What an app opens is opened once, behind what it needs, and closed in the other direction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from shared.resources import Check, Checks, Resources, end_tasks, in_order, opener, settings_of
from shared.settings import DatabaseSettings, DrainSettings, RedisSettings, load_settings

told: list[str] = []


class Well:
    pass


class Pump:
    def __init__(self, well: Well) -> None:
        self.well = well


class Softener:
    pass


class Tap:
    def __init__(self, pump: Pump, softener: Softener | None) -> None:
        self.pump = pump
        self.softener = softener


class Hen:
    pass


class Egg:
    pass


class Unopened:
    pass


class Careless:
    pass


@opener
async def open_well(settings: DrainSettings, checks: Checks) -> AsyncGenerator[Well]:
    async def is_full() -> str | None:
        return f"{settings.drain_s:g} s of water"

    checks.append(Check("well", is_full))
    told.append("well opened")
    yield Well()
    told.append("well closed")


@opener
async def open_pump(well: Well) -> AsyncGenerator[Pump]:
    told.append("pump opened")
    yield Pump(well)
    told.append("pump closed")


@opener
async def open_softener(settings: RedisSettings) -> AsyncGenerator[Softener | None]:
    yield Softener() if "soft" in settings.url else None


@opener
async def open_tap(pump: Pump, softener: Softener | None) -> AsyncGenerator[Tap]:
    yield Tap(pump, softener)


@opener
async def open_hen(egg: Egg) -> AsyncGenerator[Hen]:
    yield Hen()


@opener
async def open_egg(hen: Hen) -> AsyncGenerator[Egg]:
    yield Egg()


@opener
async def open_careless(thing: Unopened) -> AsyncGenerator[Careless]:
    yield Careless()


def opened(*kinds: type[object], redis: str = "redis://hard") -> Resources:
    async def scene() -> Resources:
        values = {"REDIS_URL": redis, "DRAIN_S": "3"}
        resources = Resources(load_settings(DrainSettings, RedisSettings, **values))
        async with AsyncExitStack() as stack:
            await resources.open(kinds, stack)
        return resources

    told.clear()
    return asyncio.run(scene())


def test_what_is_needed_is_opened_first_and_once_and_closed_last() -> None:
    resources = opened(Tap, Pump, Well)
    assert told == ["well opened", "pump opened", "pump closed", "well closed"]
    assert resources.get(Tap).pump is resources.get(Pump)
    assert resources.get(Pump).well is resources.get(Well)


def test_a_check_is_the_apps_and_sees_its_settings() -> None:
    [check] = opened(Well).checks
    assert asyncio.run(check.run()) == "3 s of water"


def test_what_may_be_none_is_given_only_where_the_app_opens_it_for_another_reason() -> None:
    soft = "redis://soft"
    assert opened(Tap, redis=soft).get(Tap).softener is None
    assert opened(Tap, Softener, redis=soft).get(Tap).softener is not None
    assert opened(Tap, Softener).get(Tap).softener is None, "opened, and there is none"
    assert in_order([Tap, Softener])[-1] is Tap


def test_the_settings_that_are_read_are_those_of_all_that_is_opened() -> None:
    assert settings_of([Tap]) == (DrainSettings,)
    assert set(settings_of([Tap, Softener])) == {DrainSettings, RedisSettings}
    assert DatabaseSettings not in settings_of([Tap, Softener])


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [(Hen, "to open a Hen needs a Hen"), (Careless, "nothing opens a Unopened")],
)
def test_what_cannot_be_opened_is_named(kind: type[object], complaint: str) -> None:
    with pytest.raises(LookupError, match=complaint):
        in_order([kind])


def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    async def stubborn(times: int) -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                times -= 1
                if times < 0:
                    raise

    async def run() -> list[bool]:
        tasks = [asyncio.create_task(stubborn(times)) for times in (0, 2)]
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await end_tasks(*tasks)
        await end_tasks()
        return [task.cancelled() for task in tasks]

    assert asyncio.run(run()) == [True, True]
