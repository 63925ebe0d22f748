"""What is edited by anyone reaches every process; what is away takes nothing away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from shared.auth.token import mint
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.embedded import EmbeddedPostgres, start_postgres
from shared.errors import NotReady
from shared.migrate.steps import migrate
from shared.resources import Resources
from shared.settings import AuthSettings, DatabaseSettings, load_settings
from tests.fakes.tokens import create_token, revoke_token


@asynccontextmanager
async def watching(dsn: str) -> AsyncGenerator[Resources]:
    resources = Resources(load_settings(AuthSettings, DatabaseSettings, DATABASE_URL=dsn))
    async with AsyncExitStack() as stack:
        await resources.open([SnapshotKeeper], stack)
        yield resources


async def within(seconds: float, is_so: Callable[[], bool]) -> float:
    """Wait until `is_so`, and say how long that took; fails after `seconds`."""
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < seconds, "not in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


def edit(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement.encode())


def test_an_edit_by_hand_is_in_the_snapshot_within_two_seconds(
    migrated_database_url: str,
) -> None:
    async def scene() -> None:
        async with watching(migrated_database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            before = keeper.snapshot
            assert len(before.models) == 4
            edit(migrated_database_url, "UPDATE llm_models SET is_active = false")
            await within(2, lambda: keeper.snapshot is not before)
            assert not any(model.is_active for model in keeper.snapshot.models)

    asyncio.run(scene())


def test_a_refresh_has_an_edit_at_once(migrated_database_url: str) -> None:
    async def scene() -> None:
        async with watching(migrated_database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            for is_active in (False, True, False):
                edit(migrated_database_url, f"UPDATE llm_models SET is_active = {is_active}")
                found = await keeper.refresh()
                assert {model.is_active for model in found.models} == {is_active}
                assert keeper.snapshot is found

    asyncio.run(scene())


def test_a_snapshot_that_nobody_changed_stays_the_same_object(migrated_database_url: str) -> None:
    async def scene() -> None:
        async with watching(migrated_database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            before = keeper.snapshot
            edit(migrated_database_url, "UPDATE llm_models SET avg_latency_ms = 7")
            await asyncio.sleep(1.5)
            assert keeper.snapshot is before

    asyncio.run(scene())


def test_a_revoked_token_calls_back_and_leaves_the_catalog_alone(
    migrated_database_url: str,
) -> None:
    with psycopg.connect(migrated_database_url) as connection:
        token_id = create_token(
            connection,
            token=mint(),
            name="laptop",
            user_id="ada",
            team_id=None,
            tier="free",
            role="user",
        )

    async def scene() -> None:
        called: list[str] = []
        async with watching(migrated_database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            for topic in ("catalogue", "tokens", "keys", "limits"):
                keeper.on_change(topic, lambda topic=topic: called.append(topic))
            before = keeper.snapshot
            with psycopg.connect(migrated_database_url) as connection:
                assert revoke_token(connection, token_id)
            await within(2, lambda: bool(called))
            assert called == ["tokens"]
            assert keeper.snapshot is before

    asyncio.run(scene())


def test_a_revoked_token_calls_back_although_the_catalog_cannot_be_read(
    migrated_database_url: str,
) -> None:
    async def scene() -> None:
        called: list[str] = []
        async with watching(migrated_database_url) as resources:
            resources.get(SnapshotKeeper).on_change("tokens", lambda: called.append("tokens"))
            edit(
                migrated_database_url,
                "UPDATE llm_models SET is_active = true;"
                " ALTER TABLE power_levels RENAME TO elsewhere;"
                " UPDATE access_tokens SET revoked_at = now()",
            )
            await within(2, lambda: bool(called))

    asyncio.run(scene())


def test_what_was_remembered_before_the_first_poll_is_announced_as_changed(
    migrated_database_url: str,
) -> None:
    async def scene() -> None:
        database = Database(migrated_database_url)
        await database.open()
        keeper = SnapshotKeeper(database)
        called: list[str] = []
        keeper.on_change("tokens", lambda: called.append("tokens"))
        polling = asyncio.create_task(keeper.run())
        assert await keeper.wait_for_first(5)
        polling.cancel()
        await asyncio.wait([polling])
        await database.close()
        assert called == ["tokens"]

    asyncio.run(scene())


def test_a_callback_with_a_fault_keeps_nothing_from_the_others(
    migrated_database_url: str,
) -> None:
    async def scene() -> None:
        def fault() -> None:
            raise RuntimeError("a fault")

        called: list[str] = []
        async with watching(migrated_database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            keeper.on_change("keys", fault)
            keeper.on_change("keys", lambda: called.append("keys"))
            before = keeper.snapshot
            edit(
                migrated_database_url,
                "DELETE FROM user_api_keys; UPDATE llm_models SET is_active = false",
            )
            await within(2, lambda: keeper.snapshot is not before)
            assert called == ["keys"]

    with capture_logs() as logs:
        asyncio.run(scene())
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert (line["event"], line["topic"]) == ("snapshot.callback_failed", "keys")


def test_the_poll_is_over_when_closed_wherever_it_was(migrated_database_url: str) -> None:
    async def scene() -> None:
        for step in range(12):
            async with watching(migrated_database_url):
                edit(migrated_database_url, "UPDATE llm_models SET is_active = true")
                await asyncio.sleep(0.97 + step / 200 if step % 4 == 0 else step / 1000)
            assert "snapshot.poll" not in {task.get_name() for task in asyncio.all_tasks()}

    asyncio.run(scene())


def test_no_topic_can_be_misspelt(migrated_database_url: str) -> None:
    async def scene() -> None:
        async with watching(migrated_database_url) as resources:
            with pytest.raises(KeyError):
                resources.get(SnapshotKeeper).on_change("token", print)

    asyncio.run(scene())


def test_before_the_migrations_it_starts_says_what_to_run_and_picks_them_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.catalog.watch.FIRST_SNAPSHOT_WAIT_S", 0.5)

    async def scene() -> None:
        async with watching(database_url) as resources:
            keeper = resources.get(SnapshotKeeper)
            [_, check] = resources.checks
            assert (check.name, check.critical) == ("snapshot", True)
            assert "switchyard migrate" in (await check.run() or "")
            with pytest.raises(NotReady, match="switchyard migrate"):
                assert keeper.snapshot
            await asyncio.to_thread(migrate, database_url, lambda line: None)
            await within(3, lambda: keeper._snapshot is not None)
            assert await check.run() is None

    asyncio.run(scene())


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory, services_folder: Path):
    server = start_postgres(services_folder / "watched", durable=False)
    yield server
    server.stop(mode="immediate")


@pytest.mark.slow
def test_an_outage_keeps_the_old_snapshot_is_logged_once_and_ends_by_itself(
    own_postgres: EmbeddedPostgres, services_folder: Path
) -> None:
    dsn = own_postgres.dsn_of("postgres")
    migrate(dsn, lambda line: None)

    async def scene() -> None:
        async with watching(dsn) as resources:
            keeper = resources.get(SnapshotKeeper)
            before = keeper.snapshot
            await asyncio.to_thread(own_postgres.stop, mode="fast")
            await asyncio.sleep(4)
            assert keeper.snapshot is before
            assert await resources.checks[1].run() is None
            again = await asyncio.to_thread(
                start_postgres, services_folder / "watched", durable=False
            )
            edit(again.dsn_of("postgres"), "UPDATE llm_models SET is_active = false")
            await within(15, lambda: keeper.snapshot is not before)

    with capture_logs() as logs:
        asyncio.run(scene())
    assert [line["event"] for line in logs].count("snapshot.poll_failed") == 1
    assert logs[-1]["event"] == "snapshot.fresh"
