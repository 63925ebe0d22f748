"""What is remembered is what the database says now: no older answer outlives `forget`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth import authenticator, own_keys
from shared.auth.authenticator import Authenticator
from shared.auth.own_keys import OwnKeys
from shared.auth.remembered import Remembered
from shared.auth.token import mint
from shared.db.access_tokens import AccessToken
from shared.db.user_keys import ServingKey
from shared.errors import InvalidToken, NotReady


class Table:
    """A table as queries see it: each reads when it begins, and answers when it is let."""

    def __init__(self, **rows: int) -> None:
        self.rows = dict(rows)
        self.asked: list[str] = []
        self.waiting: list[asyncio.Event] = []
        self.holds = False

    async def query(self, key: str) -> int | None:
        self.asked.append(key)
        seen = self.rows.get(key)
        if self.holds:
            gate = asyncio.Event()
            self.waiting.append(gate)
            await gate.wait()
        return seen

    def let_go(self, index: int = 0) -> None:
        self.waiting.pop(index).set()


def memory_of(table: Table, limit: int = 100) -> Remembered[str, int]:
    return Remembered(table.query, limit=limit, event="row.lookup_failed", complaint="Away.")


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


async def turn() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_is_asked_for_twice_is_queried_once_whether_it_is_there_or_not() -> None:
    async def scene() -> None:
        table = Table(there=1)
        memory = memory_of(table)
        for _ in range(3):
            assert (await memory.load("there"), await memory.load("gone")) == (1, None)
        assert table.asked == ["there", "gone"]

    play(scene)


def test_all_who_wait_share_one_query() -> None:
    async def scene() -> None:
        table = Table(there=1)
        table.holds = True
        memory = memory_of(table)
        waiting = [asyncio.create_task(memory.load("there")) for _ in range(50)]
        await turn()
        table.let_go()
        assert await asyncio.gather(*waiting) == [1] * 50
        assert table.asked == ["there"]

    play(scene)


@pytest.mark.parametrize("key", [None, "there"], ids=["all is forgotten", "the key is forgotten"])
def test_a_query_that_began_before_forget_answers_nobody_who_comes_after_it(
    key: str | None,
) -> None:
    async def scene() -> None:
        table = Table(there=1)
        table.holds = True
        memory = memory_of(table)
        before = asyncio.create_task(memory.load("there"))
        await turn()
        del table.rows["there"]
        memory.forget(key)
        after = asyncio.create_task(memory.load("there"))
        await turn()
        table.let_go(1)
        assert await after is None
        table.let_go(0)
        assert await before == 1, "asked before, it may still be told what was so then"
        table.holds = False
        assert await memory.load("there") is None, "the late answer is not remembered"

    play(scene)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("load"), st.sampled_from("ab")),
            st.tuples(st.just("write"), st.sampled_from("ab"), st.none() | st.integers(0, 3)),
            st.tuples(st.just("answer"), st.integers(0, 3)),
        ),
        max_size=30,
    )
)
def test_whoever_asks_is_told_nothing_that_was_over_before(steps: list[tuple[Any, ...]]) -> None:
    """Each write is followed by `forget`: then a load answers what was so at its start or later."""

    async def scene() -> None:
        table = Table()
        table.holds = True
        memory = memory_of(table)
        history: dict[str, list[int | None]] = {"a": [None], "b": [None]}
        loads: list[tuple[str, int, asyncio.Task[int | None]]] = []
        for step in steps:
            if step[0] == "load":
                load = asyncio.create_task(memory.load(step[1]))
                loads.append((step[1], len(history[step[1]]) - 1, load))
            elif step[0] == "write":
                _, key, value = step
                history[key].append(value)
                table.rows.pop(key, None)
                if value is not None:
                    table.rows[key] = value
                memory.forget()
            elif step[1] < len(table.waiting):
                table.let_go(step[1])
            await turn()
        while table.waiting:
            table.let_go()
            await turn()
        for key, at, load in loads:
            assert await load in history[key][at:]

    play(scene)


def test_what_is_kept_is_bounded_and_made_up_keys_drive_out_no_real_one() -> None:
    async def scene() -> None:
        table = Table(first=1, second=2, third=3)
        memory = memory_of(table, limit=2)
        await memory.load("first")
        for n in range(10):
            await memory.load(f"made-up-{n}")
        assert memory.recall("first") == 1
        await memory.load("second")
        await memory.load("third")
        assert (memory.recall("first"), memory.recall("third")) == (None, 3)

    play(scene)


def test_a_query_that_fails_is_an_error_for_all_who_wait_and_is_tried_again() -> None:
    async def scene() -> None:
        fails = True

        async def query(key: str) -> int:
            await asyncio.sleep(0)
            if fails:
                raise psycopg.OperationalError("gone")
            return 7

        memory = Remembered(query, limit=2, event="row.lookup_failed", complaint="Away.")
        ended = await asyncio.gather(*(memory.load("x") for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in ended] == ["Away."] * 3
        assert all(isinstance(error, NotReady) for error in ended)
        fails = False
        assert await memory.load("x") == 7

    play(scene)


class _Database:
    @asynccontextmanager
    async def connection(self, _use: object) -> Any:
        yield None


def test_a_token_revoked_while_it_is_looked_up_is_refused_to_who_comes_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table(live=1)
    table.holds = True

    async def find(_connection: object, _digest: bytes) -> AccessToken | None:
        is_live = await table.query("live")
        return AccessToken(1, "u", None, "free", "user", [], None, None) if is_live else None

    monkeypatch.setattr(authenticator, "find_access_token", find)

    async def scene() -> None:
        one: Any = Authenticator(_Database())  # type: ignore[arg-type]
        bearer = f"Bearer {mint()}".encode()
        before = asyncio.create_task(one.authenticate(bearer))
        await turn()
        table.rows.clear()
        one.forget()
        after = asyncio.create_task(one.authenticate(bearer))
        await turn()
        for _ in range(len(table.waiting)):
            table.let_go()
        assert (await before).user_id == "u"
        with pytest.raises(InvalidToken, match="not known"):
            await after

    play(scene)


@pytest.mark.parametrize("by", ["forget", "forget_user"])
def test_a_key_deleted_while_it_is_looked_up_is_not_used_by_who_comes_after(
    monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    table = Table(live=1)
    table.holds = True
    key = ServingKey(1, "openai", "sealed", "ok", "prefer", "never")

    async def find(_connection: object, _user: str) -> list[ServingKey]:
        return [key] if await table.query("live") else []

    monkeypatch.setattr(own_keys, "serving_keys", find)

    async def scene() -> None:
        keys: Any = OwnKeys(_Database())  # type: ignore[arg-type]
        before = asyncio.create_task(keys.load("u"))
        await turn()
        table.rows.clear()
        keys.forget() if by == "forget" else keys.forget_user("u")
        after = asyncio.create_task(keys.load("u"))
        await turn()
        for _ in range(len(table.waiting)):
            table.let_go()
        assert len(await before) == 1
        assert await after == ()

    play(scene)
