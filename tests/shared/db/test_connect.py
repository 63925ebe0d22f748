"""The pool: starts without a database, comes back with it, says little."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from shared.db.connect import Database, open_database
from shared.resources import Checks
from shared.settings import DatabaseSettings, SettingsInvalid, load_settings

AWAY = "postgresql://nobody:s3cret-word@127.0.0.1:1/none"


def settings_for(dsn: str) -> DatabaseSettings:
    return load_settings(DatabaseSettings, DATABASE_URL=dsn)[DatabaseSettings]


def test_an_opened_database_answers_and_reports_well(database_url: str) -> None:
    async def scene() -> None:
        checks = Checks()
        async with open_database(settings_for(database_url), checks) as database:
            [check] = checks
            assert (check.name, check.critical) == ("database", False)
            assert await check.run() is None
            async with database.connection() as connection:
                assert connection.autocommit
                row = await (await connection.execute("SHOW timezone")).fetchone()
            assert row == ("UTC",)

    asyncio.run(scene())


def test_nothing_is_prepared_for_a_pooler_may_give_the_session_to_others(database_url: str) -> None:
    async def scene() -> None:
        database = Database(database_url)
        await database.open()
        async with database.connection() as connection:
            for _ in range(20):  # psycopg prepares what it has sent five times
                held = await connection.execute("SELECT count(*) FROM pg_prepared_statements")
                assert await held.fetchone() == (0,)
        await database.close()

    asyncio.run(scene())


def test_a_process_starts_while_the_database_is_away_and_says_so_without_its_address() -> None:
    async def scene() -> str | None:
        checks = Checks()
        async with open_database(settings_for(AWAY), checks):
            return await checks[0].run()

    complaint = asyncio.run(scene())
    assert complaint is not None
    assert "DATABASE_URL" in complaint
    assert "127.0.0.1" not in complaint
    assert "s3cret" not in complaint


def test_repeated_failures_to_connect_are_logged_once_a_kind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        database = Database(AWAY)
        await database.open()
        for _ in range(2):
            assert await database.ping() is not None
        await database.close()

    logging.getLogger("psycopg.pool").filters.clear()
    with caplog.at_level(logging.WARNING, logger="psycopg.pool"):
        asyncio.run(scene())
    kinds = [record.msg for record in caplog.records]
    assert len(kinds) == len(set(kinds))
    assert "s3cret-word" not in caplog.text


@pytest.mark.parametrize(
    "dsn",
    [
        pytest.param("postgresql://u:s3cret/word@host/db", id="a slash in the password"),
        pytest.param("postgresql://u:s3cret%zz@host/db", id="a percent sign in the password"),
        pytest.param("postgresql://u:s3cret@host/db?no_such_option=1", id="an unknown option"),
    ],
)
def test_a_url_that_cannot_be_read_stops_the_start_and_keeps_the_password(dsn: str) -> None:
    with pytest.raises(SettingsInvalid, match="DATABASE_URL") as refusal:
        Database(dsn)
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__context__ is None


@contextmanager
def hanging(database_url: str, seconds: float) -> Iterator[None]:
    """A server that goes on to acknowledge and answers nothing to those it has, for a while."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    pids = [pid for (pid,) in found]
    assert pids

    def heal() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    healing = threading.Timer(seconds, heal)
    healing.start()
    try:
        yield
    finally:
        healing.join()


def test_a_use_that_a_hanging_server_does_not_answer_is_given_up(database_url: str) -> None:
    async def scene() -> None:
        database = Database(database_url)
        await database.open()
        async with database.connection(within_s=0.5) as connection:
            await connection.execute("SELECT 1")
        with hanging(database_url, 1.2), pytest.raises(psycopg.OperationalError, match=r"0\.5 s"):
            async with database.connection(within_s=0.5) as connection:
                await connection.execute("SELECT 1")
        assert await database.ping() is None
        await database.close()

    asyncio.run(scene())


def test_a_ping_is_over_in_half_a_second_also_where_the_server_hangs(database_url: str) -> None:
    async def scene() -> None:
        database = Database(database_url)
        await database.open()
        assert await database.ping() is None
        with hanging(database_url, 1.2):
            began = time.monotonic()
            said = await asyncio.gather(database.ping(), database.ping())
            assert time.monotonic() - began < 1.0
        assert said[0] == said[1]
        assert said[0] is not None
        assert "no answer yet" in said[0]
        assert await database.ping() is None
        await database.close()

    asyncio.run(scene())


def test_connections_that_a_restart_broke_are_replaced(database_url: str) -> None:
    async def scene() -> None:
        database = Database(database_url)
        await database.open()
        async with database.connection() as connection:
            killed = connection.info.backend_pid
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (killed,))
        await database.renew()
        async with database.connection() as connection:
            assert connection.info.backend_pid != killed
        await database.close()

    asyncio.run(scene())
