"""After a freeze the first request acts on what the tables say now, if PostgreSQL can say it.

The wall clock is moved and the monotonic one is not, as in a virtual machine that stood still;
tests/infra/test_lambda_freeze.py stops processes, which stops neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import AsyncExitStack, contextmanager

import psycopg
import pytest
from litestar.testing import TestClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from structlog.testing import capture_logs

from functions.models.function import MODELS
from shared.auth.token import mint
from shared.catalog import watch
from shared.catalog.watch import CATCH_UP_WAIT_S, SnapshotKeeper
from shared.db.connect import Database
from shared.function import create_app
from shared.resources import Resources
from shared.settings import AuthSettings, DatabaseSettings, load_settings
from tests.fakes.tokens import create_token, revoke_token

SWITCH_OFF = "UPDATE llm_models SET is_active = false"


class WallClock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def time(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    clock = WallClock()
    monkeypatch.setattr(watch, "time", clock)
    return clock


Scene = Callable[[SnapshotKeeper, Database], Coroutine[None, None, None]]


def play(dsn: str, scene: Scene) -> None:
    async def main() -> None:
        resources = Resources(load_settings(AuthSettings, DatabaseSettings, DATABASE_URL=dsn))
        async with AsyncExitStack() as stack:
            await resources.open([SnapshotKeeper], stack)
            await scene(resources.get(SnapshotKeeper), resources.get(Database))

    asyncio.run(asyncio.wait_for(main(), 30))


def edit(dsn: str, statement: str | sql.Composed) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode() if isinstance(statement, str) else statement)


def is_switched_off(keeper: SnapshotKeeper) -> bool:
    return not any(model.is_active for model in keeper.snapshot.models)


@contextmanager
def versions_locked(dsn: str) -> Generator[None]:
    """Polls wait for an answer meanwhile."""
    with psycopg.connect(dsn) as connection:
        connection.execute("LOCK TABLE versions IN ACCESS EXCLUSIVE MODE")
        yield


def test_while_it_polls_nothing_is_stale(migrated_database_url: str) -> None:
    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        for _ in range(60):
            assert not keeper.is_stale
            await asyncio.sleep(0.04)

    play(migrated_database_url, scene)


@pytest.mark.parametrize("ahead_s", [3.0, 1e6])
def test_after_a_freeze_it_has_an_edit_at_once(
    migrated_database_url: str, wall: WallClock, ahead_s: float
) -> None:
    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        edit(migrated_database_url, SWITCH_OFF)
        wall.ahead_s += ahead_s
        assert keeper.is_stale
        await keeper.catch_up()
        assert is_switched_off(keeper)
        assert not keeper.is_stale

    play(migrated_database_url, scene)


def test_connections_that_died_meanwhile_are_no_outage(
    migrated_database_url: str, wall: WallClock
) -> None:
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'switchyard'"
    )

    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        edit(migrated_database_url, SWITCH_OFF)
        edit(migrated_database_url, end)
        wall.ahead_s += 60
        await keeper.catch_up()
        assert is_switched_off(keeper)

    play(migrated_database_url, scene)


def test_a_hundred_requests_after_a_freeze_cost_one_poll(
    migrated_database_url: str, wall: WallClock
) -> None:
    async def scene(keeper: SnapshotKeeper, database: Database) -> None:
        def asked() -> int:
            return database._pool.get_stats().get("requests_num", 0)

        before = asked()
        wall.ahead_s += 60
        await asyncio.gather(*(keeper.catch_up() for _ in range(100)))
        assert not keeper.is_stale
        assert asked() - before == 1

    play(migrated_database_url, scene)


def test_an_answer_from_before_the_freeze_is_not_taken_for_news(
    migrated_database_url: str, wall: WallClock
) -> None:
    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        with versions_locked(migrated_database_url):
            await asyncio.sleep(1.2)  # a poll waits for its answer
            wall.ahead_s += 60
        await asyncio.sleep(0.3)  # it has come
        assert keeper.is_stale
        edit(migrated_database_url, SWITCH_OFF)
        await keeper.catch_up()
        assert is_switched_off(keeper)

    play(migrated_database_url, scene)


def test_where_postgresql_is_away_what_there_is_is_served_after_one_short_wait(
    migrated_database_url: str, wall: WallClock
) -> None:
    name = conninfo_to_dict(migrated_database_url)["dbname"]
    server = migrated_database_url.replace(f"/{name}", "/postgres")
    database_of = sql.Identifier(str(name))

    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        before = keeper.snapshot
        edit(server, sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database_of))
        ended = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        edit(server, ended.format(sql.Literal(name)))
        wall.ahead_s += 60
        for longest_s in (CATCH_UP_WAIT_S + 0.5, 0.1):
            began = time.monotonic()
            if keeper.is_stale:
                await asyncio.gather(*(keeper.catch_up() for _ in range(10)))
            assert time.monotonic() - began < longest_s
            assert keeper.snapshot is before

    with capture_logs() as logs:
        play(migrated_database_url, scene)
    assert [one["event"] for one in logs].count("snapshot.not_caught_up") == 1


def test_a_slow_postgresql_makes_one_request_wait_and_not_each(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "STALE_AFTER_S", 0.2)
    monkeypatch.setattr(watch, "CATCH_UP_WAIT_S", 0.2)
    monkeypatch.setattr(watch, "POLL_INTERVAL_S", 0.05)
    monkeypatch.setattr(watch, "_MAKE_DO_S", 1.2)

    async def scene(keeper: SnapshotKeeper, _: Database) -> None:
        waits = 0
        # Locked again before the next poll is sent: each takes 0.4 s.
        for _ in range(5):
            with versions_locked(migrated_database_url):
                ends = time.monotonic() + 0.4
                while time.monotonic() < ends:
                    if keeper.is_stale:
                        waits += 1
                        await keeper.catch_up()
                    await asyncio.sleep(0.02)
        assert waits == 1

    play(migrated_database_url, scene)


def test_a_token_revoked_during_the_freeze_is_refused_by_every_guard(
    migrated_database_url: str, wall: WallClock
) -> None:
    token = mint()
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        token_id = create_token(
            connection,
            token=token,
            name="laptop",
            user_id="ada",
            team_id=None,
            tier="free",
            role="user",
        )
        app = create_app(MODELS, DATABASE_URL=migrated_database_url)
        with TestClient(app) as client:
            statuses: list[int] = []
            for _ in range(2):
                answer = client.get("/v1/models", headers={"authorization": f"Bearer {token}"})
                statuses.append(answer.status_code)
                revoke_token(connection, token_id)
                wall.ahead_s += 60
    assert statuses == [200, 401]
