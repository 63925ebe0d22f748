"""A client that leaves, or does not read: what it ends, what is still read, and who pays for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from shared.completion import client
from shared.completion.client import LEFT
from shared.ledger.record import UsageFinal
from shared.upstream.faults import ConnectionCut
from tests.shared.completion.room import CHUNK, EVENTS, FINISH, JSON, Answer, Room, body_of
from tests.shared.routing import catalog

THOUGHT = {"prompt_tokens": 20, "completion_tokens": 10006}
THOUGHT["completion_tokens_details"] = {"reasoning_tokens": 10_000}  # type: ignore[assignment]
USED = json.dumps({"choices": [], "usage": THOUGHT})
CONTENT, END = f"data: {CHUNK}\n\n".encode(), f"data: {FINISH}\n\n".encode()
REST = [END, f"data: {USED}\n\n".encode(), b"data: [DONE]\n\n"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LOOK_EVERY_S", 0.0)


class Slow(Answer):
    """Waits before its chunk `at` until `goes_on`; -1: before its head. `reached`: it waits."""

    def __init__(self, chunks: Sequence[bytes], *, at: int, status: int = 200) -> None:
        super().__init__(status, chunks)
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()
        self.allowed: int | None = None
        self._left = at

    async def begin(self) -> None:
        await self._step()

    async def next(self) -> bytes | None:
        await self._step()
        if self.is_closed:
            raise ConnectionCut("closed")
        return await super().next()

    async def read(self) -> bytes:
        parts: list[bytes] = []
        while (part := await self.next()) is not None:
            parts.append(part)
        return b"".join(parts)

    def allow(self, size: int) -> None:
        self.allowed = size

    def close(self) -> None:
        super().close()
        self.goes_on.set()

    async def _step(self) -> None:
        self._left -= 1
        if self._left == -2:
            self.reached.set()
            try:
                await self.goes_on.wait()
            except asyncio.CancelledError:
                self.close()
                raise


async def leave(
    room: Room, answer: Slow, body: dict[str, Any], *, goes_on: bool = False
) -> tuple[bytes, UsageFinal]:
    """Hang up where `answer` waits, and let it go on then or not; what was sent, and the row."""
    hangs_up = asyncio.Event()
    serving = asyncio.create_task(room.complete(body, hangs_up=hangs_up))
    await asyncio.wait_for(answer.reached.wait(), 5)
    hangs_up.set()
    await asyncio.sleep(0.02)
    if goes_on:
        answer.goes_on.set()
    sent = await asyncio.wait_for(serving, 5)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    (final,) = room.spool.finals
    return sent, final


def at_openai(answer: Answer) -> Room:
    room = Room(catalog.snapshot())
    room.answers["openai"] = answer
    return room


BEFORE = {
    "before the head of a JSON answer": (False, [JSON], -1),
    "before the first byte of a JSON answer": (False, [JSON], 0),
    "while blanks keep a JSON answer alive": (False, [b"\n", b"  ", JSON], 2),
    "before the head of a stream": (True, EVENTS, -1),
    "before the first event of a stream": (True, EVENTS, 0),
    "while comments keep a stream alive": (True, [b": at work\n\n", *EVENTS], 1),
    "after a role without content": (
        *(True, [b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n', *EVENTS], 1),
    ),
}


@pytest.mark.parametrize(("stream", "chunks", "at"), BEFORE.values(), ids=BEFORE)
def test_who_leaves_before_anything_has_come_closes_the_upstream_and_is_not_billed(
    stream: bool, chunks: list[bytes], at: int
) -> None:
    async def check() -> None:
        answer = Slow(chunks, at=at)
        room = at_openai(answer)
        sent, final = await leave(room, answer, body_of(stream=stream))
        assert (sent, answer.is_closed, len(room.sent)) == (b"", True, 1)
        assert (final.state, final.status_code, final.error_message) == ("indeterminate", 499, LEFT)
        assert (final.cost_total_pico_usd, final.prompt_tokens) == (None, None)
        assert final.cost_estimated_pico_usd
        assert [(one.provider, one.error) for one in final.attempts] == [("openai", LEFT)]

    asyncio.run(check())


def test_no_further_attempt_is_begun_for_who_left_and_the_one_under_way_is_ended() -> None:
    async def check() -> None:
        second = Slow([JSON], at=-1)
        room = at_openai(Answer(503, [b"{}"]))
        room.answers["google"] = second
        sent, final = await leave(room, second, body_of())
        assert (sent, second.is_closed, len(room.sent)) == (b"", True, 2)
        assert final.state == "indeterminate"
        told = [(one.provider, one.status, one.error) for one in final.attempts]
        assert told == [
            ("openai", 503, "provider_unavailable"),
            ("google", None, LEFT),
        ]

    asyncio.run(check())


def test_who_leaves_in_the_pause_before_a_repeat_is_told_nothing_and_owes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.completion.attempts.pause_s", lambda *_: 5.0)

    async def check() -> None:
        room = Room(catalog.snapshot())
        room.answers = {one.slug: Answer(503, [b"{}"]) for one in room.snapshot.providers}
        hangs_up = asyncio.Event()
        body = body_of(model="openai/gpt-6.1-terra")
        serving = asyncio.create_task(room.complete(body, hangs_up=hangs_up))
        await asyncio.sleep(0.02)
        attempts = len(room.sent)
        hangs_up.set()
        assert await asyncio.wait_for(serving, 1) == b""
        (final,) = room.spool.finals
        assert len(room.sent) == attempts
        assert (final.state, final.status_code, final.cost_total_pico_usd) == ("final", 499, 0)

    asyncio.run(check())


def test_who_leaves_before_a_choice_is_made_is_not_tried_and_has_no_row() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        hangs_up, choose = asyncio.Event(), room.router.choose

        async def choose_late(asked: Any) -> Any:
            hangs_up.set()
            await asyncio.sleep(0.02)
            return await choose(asked)

        room.router.choose = choose_late  # type: ignore[method-assign]
        assert await room.complete(body_of(), hangs_up=hangs_up) == b""
        assert (room.sent, room.spool.finals, room.spool.intents) == ([], [], [])

    asyncio.run(check())


AFTER = {
    "in a JSON answer": (False, [JSON[:10], JSON[10:]], 1),
    "in a stream": (True, [CONTENT, *REST], 1),
    "behind the finish of a stream": (True, [CONTENT, *REST], 2),
}


@pytest.mark.parametrize(("stream", "chunks", "at"), AFTER.values(), ids=AFTER)
def test_who_leaves_an_answer_that_has_begun_is_billed_what_the_provider_counted(
    stream: bool, chunks: list[bytes], at: int
) -> None:
    async def check() -> None:
        answer = Slow(chunks, at=at)
        room = at_openai(answer)
        sent, final = await leave(room, answer, body_of(stream=stream), goes_on=True)
        assert b"10006" not in sent
        assert (final.state, final.status_code, final.error_message) == ("final", 499, LEFT)
        assert final.cost_quality == "measured"
        assert final.completion_tokens == (10_006 if stream else 2)
        assert answer.allowed == client.DRAIN_BYTES
        assert len(room.sent) == 1

    asyncio.run(check())


@pytest.mark.parametrize(("stream", "chunks", "at"), AFTER.values(), ids=AFTER)
def test_what_does_not_come_to_its_end_in_time_is_billed_by_an_estimate(
    monkeypatch: pytest.MonkeyPatch, stream: bool, chunks: list[bytes], at: int
) -> None:
    monkeypatch.setattr(client, "DRAIN_S", 0.02)

    async def check() -> None:
        answer = Slow(chunks, at=at)
        sent, final = await leave(at_openai(answer), answer, body_of(stream=stream))
        assert b"error" not in sent
        assert (final.state, final.status_code, final.error_message) == ("final", 499, LEFT)
        assert final.cost_quality == "estimated"
        assert final.cost_total_pico_usd
        assert final.cost_estimated_pico_usd is None
        assert answer.is_closed

    asyncio.run(check())


def test_of_a_stream_that_is_not_read_to_its_end_the_thoughts_are_estimated_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "DRAIN_S", 0.02)
    monkeypatch.setattr("shared.completion.usage_rows.PROMPT_READ_S", -100.0)

    async def check() -> None:
        answer = Slow([CONTENT, *REST], at=1)
        _, final = await leave(at_openai(answer), answer, body_of(stream=True))
        assert final.completion_tokens
        assert 5_000 <= final.completion_tokens < 5_500

    asyncio.run(check())


def test_no_more_are_read_on_at_once_than_the_process_may() -> None:
    async def check() -> None:
        answer = Slow([CONTENT, *REST], at=1)
        room = at_openai(answer)
        room.completions._clients.drains = client.MOST_DRAINS
        _, final = await leave(room, answer, body_of(stream=True))
        assert (answer.is_closed, final.cost_quality) == (True, "estimated")
        assert room.completions._clients.drains == client.MOST_DRAINS

    asyncio.run(check())


def test_a_place_among_those_that_are_read_on_is_given_back() -> None:
    async def check() -> None:
        answer = Slow([CONTENT, *REST], at=1)
        room = at_openai(answer)
        await leave(room, answer, body_of(stream=True), goes_on=True)
        assert room.completions._clients.drains == 0

    asyncio.run(check())


def test_a_shutdown_while_an_answer_is_read_on_leaves_its_row() -> None:
    async def check() -> None:
        answer = Slow([CONTENT, *REST], at=1)
        room, hangs_up = at_openai(answer), asyncio.Event()
        serving = asyncio.create_task(room.complete(body_of(stream=True), hangs_up=hangs_up))
        await answer.reached.wait()
        hangs_up.set()
        await asyncio.sleep(0.02)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        (final,) = room.spool.finals
        assert (final.status_code, final.cost_quality) == (499, "estimated")

    asyncio.run(check())


def test_a_shutdown_in_the_turn_of_a_hang_up_is_not_taken_for_it() -> None:
    async def check() -> None:
        answer = Slow([JSON], at=-1)
        room, hangs_up = at_openai(answer), asyncio.Event()
        serving = asyncio.create_task(room.complete(body_of(), hangs_up=hangs_up))
        await answer.reached.wait()
        await asyncio.sleep(0.01)
        hangs_up.set()
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert len(room.spool.finals) == 1

    asyncio.run(check())
