"""The head of a stream: held back while another may be tried, but never until somebody cuts it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.completion import head
from shared.errors import ProviderUnavailable
from shared.routing.order import Block
from tests.shared.completion.room import EVENTS, Answer, Room, body_of
from tests.shared.routing import catalog


class Silent(Answer):
    """A stream that is begun, says nothing until `speak`, and then what it was given."""

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__(chunks=chunks)
        self.speak = asyncio.Event()

    async def next(self) -> bytes | None:
        await self.speak.wait()
        return await super().next()


def when_the_head_is_out(
    monkeypatch: pytest.MonkeyPatch,
    room: Room,
    first: Silent,
    then: Callable[[asyncio.Task[bytes]], Awaitable[None]],
) -> None:
    """Begin a stream at `first`, and do `then` once its head and a comment went out."""
    monkeypatch.setattr(head, "HOLD_S", 0.01)
    room.answers["openai"] = first

    async def run() -> None:
        commented = asyncio.Event()

        async def send(message: Any) -> None:
            if message.get("body", b"").startswith(b":"):
                commented.set()

        serving = asyncio.create_task(room.complete(body_of(stream=True), send))
        await asyncio.wait_for(commented.wait(), 5)
        await then(serving)

    asyncio.run(run())


def test_once_its_head_is_out_a_stream_falls_over_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    room, first = Room(catalog.snapshot()), Silent([])

    async def then(serving: asyncio.Task[bytes]) -> None:
        first.speak.set()
        answer = await serving
        assert answer.startswith(b": waiting")
        assert json.loads(answer.rpartition(b"data: ")[2])["error"]["code"]
        assert len(room.sent) == 1
        assert [one.status_code for one in room.spool.finals] == [502]

    when_the_head_is_out(monkeypatch, room, first, then)


def test_what_comes_late_is_relayed_behind_the_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    room, first = Room(catalog.snapshot()), Silent(list(EVENTS))

    async def then(serving: asyncio.Task[bytes]) -> None:
        first.speak.set()
        answer = await serving
        assert b'"content": "Hi"' in answer
        assert answer.endswith(b"data: [DONE]\n\n")
        assert [one.status_code for one in room.spool.finals] == [200]

    when_the_head_is_out(monkeypatch, room, first, then)


def test_who_is_cancelled_while_waiting_leaves_no_comments_and_a_row_of_unknown_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room, first = Room(catalog.snapshot()), Silent([])

    async def then(serving: asyncio.Task[bytes]) -> None:
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert first.is_closed
        (final,) = room.spool.finals
        assert (final.status_code, final.cost_total_pico_usd) == (500, None)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    when_the_head_is_out(monkeypatch, room, first, then)


def test_the_first_attempt_has_its_reason_while_it_is_under_way() -> None:
    """Cancelled at a shutdown, it still leaves a row, though no attempt has failed yet."""

    async def check() -> None:
        room = Room(catalog.snapshot())
        room.circuits.blocks["openai", "gpt-6.1-terra", None] = Block(ProviderUnavailable, 1e12)
        first = room.answers["google"] = Silent([])
        serving = asyncio.create_task(room.complete(body_of(stream=True)))
        await asyncio.sleep(0.01)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        (final,) = room.spool.finals
        assert (final.was_fallback, final.fallback_reason) == (True, "passed_over")
        assert first.is_closed

    asyncio.run(check())


class FailsInTheTurnOfTheTimer(Answer):
    """It fails once the timer has rung, and before the task that the timer begins has run."""

    async def read_refusal(self) -> bytes:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return b"{}"


def test_what_fails_in_the_turn_in_which_the_head_is_due_falls_over_as_nothing_is_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head, "HOLD_S", -1)
    room = Room(catalog.snapshot())
    room.answers["openai"] = FailsInTheTurnOfTheTimer(503)
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    answer = asyncio.run(room.complete(body_of(stream=True), send))
    assert answer.endswith(b"data: [DONE]\n\n")
    assert statuses == [200]
    assert len(room.sent) == 2
