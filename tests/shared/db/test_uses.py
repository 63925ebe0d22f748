"""What a process cannot do without never waits behind what callers ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
import pytest

from shared.db import connect, session
from shared.db.connect import Database, Use
from shared.db.thread_connection import ThreadConnections
from shared.errors import ServiceUnavailable


@asynccontextmanager
async def opened(dsn: str) -> AsyncGenerator[Database]:
    database = Database(dsn)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def answers(database: Database, use: Use) -> float:
    """How long one look took, in s."""
    began = time.monotonic()
    async with database.connection(use) as connection:
        await connection.execute("SELECT 1")
    return time.monotonic() - began


async def sleep(database: Database, seconds: float) -> None:
    async with database.report() as connection:
        await connection.execute("SELECT pg_sleep(%s)", (seconds,))


@pytest.mark.parametrize("use", [Use.KEEPER, Use.LOOK_UP, Use.CHANGE])
def test_slow_reports_delay_nothing_but_reports(database_url: str, use: Use) -> None:
    async def scene() -> float:
        async with opened(database_url) as database:
            reports = [asyncio.create_task(sleep(database, 1.5)) for _ in range(8)]
            await asyncio.sleep(0.3)
            took = await answers(database, use)
            for one in reports:
                one.cancel()
            await asyncio.gather(*reports, return_exceptions=True)
            return took

    assert asyncio.run(scene()) < 1


def test_two_reports_run_at_a_time_and_the_third_waits_its_turn(database_url: str) -> None:
    async def scene() -> float:
        async with opened(database_url) as database:
            began = time.monotonic()
            await asyncio.gather(*(sleep(database, 0.4) for _ in range(3)))
            return time.monotonic() - began

    assert asyncio.run(scene()) >= 0.8


def test_who_gets_no_turn_is_told_in_time_and_takes_nothing_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "WAIT_S", 0.2)

    async def scene() -> None:
        async with opened(database_url) as database:
            slow = [asyncio.create_task(sleep(database, 1.0)) for _ in range(2)]
            await asyncio.sleep(0.3)
            for _ in range(2):
                with pytest.raises(ServiceUnavailable, match="other reports") as refusal:
                    await sleep(database, 0)
                assert refusal.value.code == "reports_busy"
            await asyncio.gather(*slow)
            await sleep(database, 0)

    asyncio.run(scene())


def test_a_report_that_takes_too_long_is_ended_by_the_server_and_says_what_to_do(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "READ_S", 0.2)

    async def scene() -> None:
        async with opened(database_url) as database:
            with pytest.raises(ServiceUnavailable, match="fewer days") as refusal:
                await sleep(database, 5)
            assert refusal.value.code == "report_too_slow"
            async with database.connection() as connection:
                # Behind a pooler it would be another client's by now.
                held = await (await connection.execute("SHOW statement_timeout")).fetchone()
            assert held == ("0",)

    asyncio.run(scene())


def test_a_job_gives_up_a_statement_by_its_own_clock_and_connects_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = ThreadConnections(database_url)
    first = connections.get()
    monkeypatch.setattr(session, "JOB_ANSWER_S", 0.3)
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError), first.transaction():
        first.execute("SELECT pg_sleep(5)")
    assert time.monotonic() - began < 2
    assert first.closed
    assert connections.get() is not first
    connections.close()
