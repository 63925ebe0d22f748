"""What is told through Redis concerns whom it names, and nobody is spared by what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.catalog.news import reach
from shared.catalog.news.change import KEYS, TOKENS, Change, Unheard, changing
from shared.catalog.news.listener import Listener
from shared.catalog.news.reach import Reach
from shared.catalog.news.stream import NewsStream
from shared.catalog.news.topics import Topics
from shared.db.connect import Database
from shared.keyspace import CHANGES, connect_async

AWAY = "redis://127.0.0.1:1/0"


class Place:
    """One process's part: what it called back, and a client of its own."""

    def __init__(self, url: str, *, postgres_answers: bool = True) -> None:
        self.client: Any = connect_async(url, 1)
        self.news = NewsStream(self.client)
        self.topics = Topics()
        self.called: list[str] = []
        self.reach = Reach(600)
        postgres = Reach(600 if postgres_answers else -1)
        self.listener = Listener(self.topics, self.reach, postgres, self.news)
        for topic in (TOKENS, KEYS):
            self.topics.on_change(
                topic,
                lambda topic=topic: self.called.append(f"{topic}: all"),
                lambda whose, topic=topic: self.called.append(f"{topic}: {whose}"),
            )
            self.topics.seen[topic] = 7

    async def turn(self) -> list[str]:
        """What one round of listening called back."""
        self.called.clear()
        running = asyncio.create_task(self.listener.run())
        await asyncio.sleep(0.9)
        running.cancel()
        await asyncio.wait([running])
        return list(self.called)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


@asynccontextmanager
async def two(url: str, *, postgres_answers: bool = True) -> AsyncGenerator[tuple[Place, Place]]:
    """Both have heard everything so far."""
    one, other = Place(url), Place(url, postgres_answers=postgres_answers)
    try:
        for place in (one, other):
            await place.news.hear()
        yield one, other
    finally:
        for place in (one, other):
            await place.client.aclose()


@pytest.mark.parametrize(
    ("told", "called"),
    [
        pytest.param([Change(TOKENS, 8, "3")], ["tokens: 3"], id="the next one names whom"),
        pytest.param([Change(KEYS, 8, "ada")], ["keys: ada"], id="keys by their user"),
        pytest.param([Change(TOKENS, 8, "3"), Change(TOKENS, 9, "4")], ["tokens: 3", "tokens: 4"],
                     id="one behind the other"),
        pytest.param([Change(TOKENS, 9, "4")], ["tokens: all"], id="one before it is missing"),
        pytest.param([Change(TOKENS, 9, "4"), Change(TOKENS, 8, "3")], ["tokens: all"],
                     id="the one before it comes late"),
        pytest.param([Change(TOKENS, 8)], ["tokens: all"], id="it names nobody"),
        pytest.param([Change(TOKENS, 7, "3")], [], id="PostgreSQL was first"),
        pytest.param([Change("limits", 8, "3")], [], id="a topic that is not told"),
    ],
)  # fmt: skip
def test_a_change_is_forgotten_by_whom_it_concerns(
    redis_url: str, told: list[Change], called: list[str]
) -> None:
    async def scene() -> None:
        async with two(redis_url) as (one, other):
            for change in told:
                await one.news.tell(change)
            assert await other.turn() == called
            assert await other.turn() == []

    play(scene)


@pytest.mark.parametrize("postgres_answers", [True, False])
def test_what_redis_has_lost_may_concern_anybody_unless_postgresql_tells(
    redis_url: str, postgres_answers: bool
) -> None:
    async def scene() -> None:
        async with two(redis_url, postgres_answers=postgres_answers) as (one, other):
            await one.news.tell(Change(TOKENS, 8, "3"))
            await one.client.delete(CHANGES)
            expected = [] if postgres_answers else ["tokens: all", "keys: all"]
            assert await other.turn() == expected
            await one.news.tell(Change(KEYS, 8, "ada"))
            assert await other.turn() == ["keys: ada"]

    play(scene)


def test_what_nobody_told_is_told_by_who_sees_it_and_once(redis_url: str) -> None:
    async def scene() -> None:
        async with two(redis_url) as (one, other):
            one.topics.announce(TOKENS, 8)
            one.listener.have_told({TOKENS: 8})
            await one.turn()
            assert await other.turn() == ["tokens: all"]
            other.listener.have_told({TOKENS: 8})
            before = await one.client.xlen(CHANGES)
            await other.turn()
            assert await one.client.xlen(CHANGES) == before

    play(scene)


def test_entries_of_another_release_are_passed_over(redis_url: str) -> None:
    async def scene() -> None:
        async with two(redis_url) as (one, other):
            for fields in ({"topic": "tokens", "version": "soon"}, {"kind": "of tomorrow"}):
                await one.client.xadd(CHANGES, fields)
            assert await other.turn() == []

    play(scene)


def test_where_redis_is_away_nothing_is_raised_to_who_changes_something(
    migrated_database_url: str,
) -> None:
    async def scene() -> None:
        database = Database(migrated_database_url)
        await database.open()
        place = Place(AWAY)
        with pytest.raises(Unheard):
            await place.news.hear()
        async with changing(database, place.news, TOKENS, "1") as connection:
            await connection.execute("UPDATE access_tokens SET revoked_at = now()")
        await database.close()

    play(scene)


def test_a_change_is_told_with_its_version_and_what_changed_nothing_is_not(
    migrated_database_url: str, redis_url: str
) -> None:
    async def scene() -> None:
        database = Database(migrated_database_url)
        await database.open()
        async with two(redis_url) as (one, other):
            async with changing(database, one.news, TOKENS, "1") as connection:
                await connection.execute("UPDATE access_tokens SET revoked_at = now()")
                held = await (await connection.execute("SELECT tokens FROM versions")).fetchone()
            assert held is not None
            assert await other.news.hear() == [Change(TOKENS, held[0], "1")]
            async with changing(database, one.news, TOKENS, "1") as connection:
                await connection.execute("SELECT 1")
            assert await other.news.hear() == []
        await database.close()

    play(scene)


class Clocks:
    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1e9, 50.0

    def time(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return self.steady_s


@pytest.mark.parametrize(
    ("wall_s", "steady_s", "is_over"),
    [
        pytest.param(599, 599, False, id="not yet"),
        pytest.param(601, 601, True, id="too long"),
        pytest.param(601, 0, True, id="a virtual machine that stood still"),
        pytest.param(-86_400, 601, True, id="the wall clock was set back"),
        pytest.param(-86_400, 1, False, id="set back just now"),
    ],
)
def test_how_long_ago_is_told_by_whichever_clock_says_so_first(
    monkeypatch: pytest.MonkeyPatch, wall_s: float, steady_s: float, is_over: bool
) -> None:
    clocks = Clocks()
    monkeypatch.setattr(reach, "time", clocks)
    one = Reach(600)
    clocks.wall_s += wall_s
    clocks.steady_s += steady_s
    assert one.is_over is is_over
    one.note()
    assert not one.is_over
