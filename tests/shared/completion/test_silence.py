"""A stream that goes on and says nothing: events that are none, as fast as a provider can send."""

from __future__ import annotations

import asyncio

import pytest

from tests.shared.completion.room import CHUNK, EVENTS, Answer, Room, body_of
from tests.shared.routing import catalog

JUNK = {
    "junk": b"data: junk\n\n" * 100,
    "blank lines": b"event: x" + b"\n" * 1000,
    "events of no data": b"event: x\n\n" * 100,
    "empty data": b"data:\n\n" * 100,
}
SAID = b"data: %b\n\n" % CHUNK.encode()
MOST = 50_000


@pytest.fixture(autouse=True)
def cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.completion.take._MOST_SILENT_BYTES", MOST)


def answered(*chunks: bytes) -> tuple[Room, bytes]:
    """The room, whose first provider answers with `chunks`, and what the client got."""
    room = Room(catalog.snapshot())

    async def main() -> bytes:
        await room.complete(body_of(stream=True))
        room.answers[room.tried.pop().model.provider.slug] = Answer(chunks=chunks)
        return await room.complete(body_of(stream=True))

    return room, asyncio.run(main())


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_before_it_says_anything_another_provider_is_asked(junk: bytes) -> None:
    room, text = answered(*[junk] * (2 * MOST // len(junk)), *EVENTS)
    assert len(room.tried) > 1
    assert b'"was_fallback":true' in text


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_behind_what_it_said_it_is_cut_and_billed(junk: bytes) -> None:
    room, text = answered(SAID, *[junk] * (2 * MOST // len(junk)), *EVENTS)
    assert b"event: error" in text or b'"error"' in text
    assert room.spool.finals[-1].status_code == 502


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_so_much_of_it_as_may_come_is_passed_over(junk: bytes) -> None:
    some = [junk] * (MOST // len(junk) // 2)
    room, text = answered(*some, SAID, *some, *EVENTS)
    assert len(room.tried) == 1
    assert b"[DONE]" in text
    assert room.spool.finals[-1].status_code == 200
