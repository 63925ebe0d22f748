"""A client that does not read what it is sent is held no longer than its request may take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.completion import client
from shared.completion.client import STALLED
from tests.shared.completion.room import EVENTS, JSON, Answer, Room, body_of
from tests.shared.routing import catalog

DEADLINE_S = 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(client, "SEND_GRACE_S", 0.02)


async def stall(room: Room, body: dict[str, Any], *, at: int) -> int:
    """Read nothing from message `at` on; how many messages were sent before the request ended."""
    room.completions._attempts.deadline_s = DEADLINE_S
    sent = 0

    async def send(_: Any) -> None:
        nonlocal sent
        if sent == at:
            await asyncio.Event().wait()
        sent += 1

    await asyncio.wait_for(room.complete(body, send), 5)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return sent


@pytest.mark.parametrize("at", [0, 1, 2], ids=["its head", "its first event", "its last event"])
def test_a_stream_that_nobody_reads_is_cut_at_its_deadline_and_billed(at: int) -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        answer = room.answers["openai"] = Answer(chunks=list(EVENTS))
        assert await stall(room, body_of(stream=True), at=at) == at
        (final,) = room.spool.finals
        assert final.state == "final"
        assert final.cost_total_pico_usd
        # Before its last event it is billed as whole: that was known, and stood in the row.
        assert (final.status_code, final.error_message) == ((499, STALLED), (200, None))[at == 2]
        assert answer.is_closed

    asyncio.run(check())


@pytest.mark.parametrize("at", [0, 1], ids=["its head", "its body"])
def test_a_json_answer_that_nobody_reads_is_billed_and_left(at: int) -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        assert await stall(room, body_of(), at=at) == at
        assert [one.status_code for one in room.spool.finals] == [200]

    asyncio.run(check())


def test_an_error_that_nobody_reads_is_left() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        room.answers = {one.slug: Answer(400, [b"{}"]) for one in room.snapshot.providers}
        assert await stall(room, body_of(), at=0) == 0
        assert [one.status_code for one in room.spool.finals] == [400]

    asyncio.run(check())


class Late(Answer):
    async def begin(self) -> None:
        await asyncio.sleep(DEADLINE_S / 2)


def test_who_reads_is_not_cut_however_late_the_answer() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        room.answers["openai"] = Late(chunks=[JSON])
        assert await stall(room, body_of(), at=-1) == 2
        assert [one.status_code for one in room.spool.finals] == [200]

    asyncio.run(check())
