"""The path of one request: how deep it is, and what it leaves behind wherever it ends."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar

from functions.chat_completions.handler import chat_completions
from shared.answer_errors import EXCEPTION_HANDLERS
from shared.completion import deliver
from shared.completion.wire import CHAT
from shared.errors import ProviderUnavailable
from shared.routing.order import Block
from tests.architecture.tree import ROOT
from tests.shared.completion.room import EVENTS, Answer, Room, body_of, received, scope_of
from tests.shared.routing import catalog

OURS = (ROOT / "functions", ROOT / "shared")
DEEPEST = 4


def frames_of_ours() -> list[str]:
    found: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if any(path.is_relative_to(folder) for folder in OURS):
            found.append(f"{path.name}:{frame.f_code.co_name}")
        frame = frame.f_back
    return found


def frames_at_send(room: Room, body: dict[str, Any]) -> list[list[str]]:
    """From the socket to each `send` of a second request: the frames that are ours."""
    seen: list[list[str]] = []

    async def send(_: Any) -> None:
        seen.append(frames_of_ours())

    async def twice() -> None:
        resources = SimpleNamespace(get={type(room.completions): room.completions}.get)
        app = SimpleNamespace(state=SimpleNamespace(resources=resources))
        for _ in range(2):
            seen.clear()
            scope = {**scope_of({}), "litestar_app": app}
            await chat_completions.fn(scope, received(body), send)

    asyncio.run(twice())
    return seen


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        pytest.param(body_of(), 2, id="a JSON answer"),
        pytest.param(body_of(stream=True), 3, id="a stream"),
        pytest.param({}, 2, id="an error"),
    ],
)
def test_from_the_socket_to_send_are_at_most_four_frames_of_ours(
    body: dict[str, Any], messages: int
) -> None:
    seen = frames_at_send(Room(catalog.snapshot()), body)
    assert len(seen) == messages
    for frames in seen:
        assert frames[-1] == "handler.py:chat_completions"
        assert len(frames) <= DEEPEST, frames


def test_an_answer_is_billed_before_its_first_byte_and_a_stream_before_its_last() -> None:
    async def check(stream: bool) -> list[int]:
        room, billed = Room(catalog.snapshot()), []

        async def send(_: Any) -> None:
            billed.append(len(room.spool.finals))

        await room.complete(body_of(stream=stream), send)
        return billed

    assert asyncio.run(check(stream=False)) == [1, 1]
    *before, last = asyncio.run(check(stream=True))
    assert set(before) == {0}
    assert last == 1


def test_what_fell_over_is_told_in_order_and_the_answer_last() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        room.answers["openai"] = Answer(503, [b"{}"])
        answer = json.loads(await room.complete(body_of()))
        (final,) = room.spool.finals
        told = [(one["provider"], one["status"]) for one in answer["_metadata"]["attempts"]]
        assert told == [(one.provider, one.status) for one in final.attempts]
        assert told == [("openai", 503), ("google", 200)]
        assert (final.was_fallback, final.fallback_reason) == (True, "provider_unavailable")

    asyncio.run(check())


def test_who_is_passed_over_was_not_tried_and_another_is_a_fallback() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        room.circuits.blocks["openai", "gpt-6.1-terra", None] = Block(ProviderUnavailable, 1e12)
        await room.complete(body_of())
        (final,) = room.spool.finals
        assert [one.provider for one in final.attempts] == ["google"]
        assert (final.was_fallback, final.fallback_reason) == (True, "passed_over")

    asyncio.run(check())


def test_that_no_candidate_was_well_is_said_in_the_answer() -> None:
    async def check() -> None:
        room = Room(catalog.snapshot())
        assert b'"ignores_health":false' in await room.complete(body_of())
        for model in room.snapshot.models:
            place = (model.provider.slug, model.model_id, None)
            room.circuits.blocks[place] = Block(ProviderUnavailable, 1e12)
        assert b'"ignores_health":true' in await room.complete(body_of())
        assert b'"ignores_health":true' in await room.complete(body_of(stream=True))

    asyncio.run(check())


@pytest.mark.parametrize("first_byte_is_out", [False, True])
def test_who_is_cancelled_while_a_stream_is_delivered_is_billed_for_it(
    monkeypatch: pytest.MonkeyPatch, first_byte_is_out: bool
) -> None:
    """From the moment that a stream is won there is no gap in which it could be lost."""
    room = Room(catalog.snapshot())
    answer = room.answers["openai"] = Answer(chunks=list(EVENTS))

    async def send(message: Any) -> None:
        if first_byte_is_out is bool(message.get("body")):
            await asyncio.Event().wait()

    async def run() -> None:
        serving = asyncio.create_task(room.complete(body_of(stream=True), send))
        await asyncio.sleep(0.02)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(run())
    (final,) = room.spool.finals
    assert (final.status_code, final.error_message) == (499, "cancelled")
    assert answer.is_closed


def test_a_fault_of_ours_in_delivering_is_answered_in_our_shape_and_billed() -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("a fault of ours")

    room = Room(catalog.snapshot())
    app = Litestar([chat_completions], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None)
    wire = CHAT._replace(splice=broken)
    serving = SimpleNamespace(
        serve=lambda _, scope, receive, send: room.completions.serve(wire, scope, receive, send)
    )
    app.state.resources = SimpleNamespace(get=lambda _: serving)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {**scope_of({}), "query_string": b"", "root_path": "", "http_version": "1.1"}
    asyncio.run(app(scope, received(body_of()), send))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["error"]["code"] == "internal_error"
    assert [one.status_code for one in room.spool.finals] == [200]


def test_nothing_that_delivers_can_try_another_candidate() -> None:
    """Not by a flag: what delivers does not see what tries."""
    names = set(vars(deliver))
    assert not {"Attempts", "Router", "Targets", "Transport", "next_attempt"} & names
