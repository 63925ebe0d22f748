"""What a request that fails leaves in memory: nothing, without waiting for a garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.completion import client
from shared.completion.admit import Asked
from shared.completion.course import Course
from shared.upstream.limits import Limits
from shared.upstream.origin import parse_url
from shared.upstream.response import UpstreamResponse
from shared.upstream.transport import Transport
from shared.wire.chat.request import ChatRequest
from tests.fakes.raw_server import RawServer, Script, Wire, answers_always
from tests.shared.completion.room import CHUNK, Room, body_of
from tests.shared.routing import catalog

HEAVY = (Asked, ChatRequest, Course, UpstreamResponse)
REQUESTS = 5
PROMPT = "x" * 100_000


def with_status(status: int, body: bytes) -> Script:
    head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return answers_always(head % (status, len(body)) + body)


def sse(*events: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n"
    return head + b"".join(b"data: %b\n\n" % event for event in events)


def cutting(payload: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(payload)

    return script


async def silent(wire: Wire) -> None:
    await wire.request()
    await wire.until_hung_up()


KINDS: dict[str, tuple[Script, dict[str, Any]]] = {
    "a 500": (with_status(500, b'{"error":{"message":"x"}}'), {}),
    "a 500 with a large body": (with_status(500, b"x" * 200_000), {}),
    "a 400": (with_status(400, b'{"error":{"message":"x"}}'), {}),
    "a 401": (with_status(401, b'{"error":{"message":"x"}}'), {}),
    "a 429": (with_status(429, b'{"error":{"message":"x"}}'), {}),
    "a 404": (with_status(404, b'{"error":{"message":"x"}}'), {}),
    "a 200 that is none": (with_status(200, b"<html>" + b"x" * 100_000), {}),
    "an error in a 200": (with_status(200, b'{"error":{"message":"x","code":500}}'), {}),
    "no HTTP": (cutting(b"nonsense\r\n\r\n"), {}),
    "a connection cut before an answer": (cutting(b""), {}),
    "an answer that is cut": (
        cutting(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n" + b"x" * 50_000),
        {},
    ),
    "a stream that is cut before it says anything": (cutting(sse()), {"stream": True}),
    "a stream that begins with an error": (
        cutting(sse(b'{"error":{"message":"x","code":500}}')),
        {"stream": True},
    ),
    "a stream that is cut in its middle": (cutting(sse(CHUNK.encode())), {"stream": True}),
    "a field that nobody takes": (with_status(200, b"{}"), {"n": "x"}),
    "a name that nobody knows": (with_status(200, b"{}"), {"model": "nobody/knows"}),
}


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("shared.completion.attempts.pause_s", lambda *_: 0.0)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def survivors() -> dict[str, int]:
    names = [type(one).__name__ for one in gc.get_objects() if isinstance(one, HEAVY)]
    return {name: names.count(name) for name in set(names)}


async def failing(server: RawServer | None, ask: Callable[[Room], Any]) -> dict[str, int]:
    """What is left of REQUESTS requests, beside what the first ones left."""
    room = Room(catalog.snapshot())
    room.transport = Transport(Limits(connect_s=2.0))
    room.origin = parse_url("http://127.0.0.1:9" if server is None else server.url)[0]
    await ask(room)
    before = survivors()
    for _ in range(REQUESTS):
        room.circuits.blocks.clear()
        room.tried.clear()
        await ask(room)
    after = survivors()
    await room.transport.aclose()
    return {name: count - before.get(name, 0) for name, count in after.items()}


def assert_nothing(left: dict[str, int]) -> None:
    assert not any(count > 0 for count in left.values()), left


def body(**fields: Any) -> dict[str, Any]:
    return body_of(messages=[{"role": "user", "content": PROMPT}], **fields)


@pytest.mark.parametrize(("script", "fields"), KINDS.values(), ids=KINDS)
def test_a_request_that_fails_leaves_nothing_in_memory(
    script: Script, fields: dict[str, Any]
) -> None:
    async def ask(room: Room) -> None:
        assert b"error" in await room.complete(body(**fields))

    with RawServer(script) as server:
        assert_nothing(asyncio.run(failing(server, ask)))


def test_a_provider_that_is_not_there_leaves_nothing_in_memory() -> None:
    async def ask(room: Room) -> None:
        assert b"error" in await room.complete(body())

    assert_nothing(asyncio.run(failing(None, ask)))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "script", [silent, cutting(sse(CHUNK.encode()))], ids=["before it begins", "in its middle"]
)
def test_a_client_that_hangs_up_leaves_nothing_in_memory(
    monkeypatch: pytest.MonkeyPatch, script: Script, stream: bool
) -> None:
    monkeypatch.setattr(client, "LOOK_EVERY_S", 0.0)

    async def ask(room: Room) -> None:
        hangs_up = asyncio.Event()
        hangs_up.set()
        await room.complete(body(stream=stream), hangs_up=hangs_up)

    with RawServer(script) as server:
        assert_nothing(asyncio.run(failing(server, ask)))


def test_a_request_that_is_cancelled_leaves_nothing_in_memory() -> None:
    async def ask(room: Room) -> None:
        serving = asyncio.create_task(room.complete(body()))
        await asyncio.sleep(0.05)
        serving.cancel()
        await asyncio.wait([serving])

    with RawServer(silent) as server:
        assert_nothing(asyncio.run(failing(server, ask)))
