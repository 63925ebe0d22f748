"""What is refused at the door is let go at once: nothing waits for the cyclic garbage collector."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.completion.wire import CHAT
from tests.shared.completion.room import Room, body_of, scope_of
from tests.shared.routing import catalog

LONG = "x" * 600_000


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def room() -> Room:
    model = catalog.model(1, catalog.provider(1, "openai"), "m1", "eco", price=catalog.price(1, 4))
    return Room(catalog.snapshot((model,), ()))


def json_of(**fields: object) -> bytes:
    return json.dumps(body_of(**fields)).encode()


def is_let_go(body: bytes, before: int) -> bool:
    """Soon: the thread that read it may be a moment behind the answer. This call holds it, too."""
    until = time.monotonic() + 5
    while sys.getrefcount(body) != before + 1 and time.monotonic() < until:
        time.sleep(0.005)
    return sys.getrefcount(body) == before + 1


async def refused(this: Room, messages: list[Any]) -> bytes:
    sent: list[bytes] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    await this.completions.serve(CHAT, scope_of({}), receive, send)
    return b"".join(sent)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b'{"messages": ' + b"[" * 65, "json_too_deep", id="small and too deep"),
        pytest.param(b"[" * 600_000, "json_too_deep", id="too deep"),
        pytest.param(b"[" + b"1," * 400_000, "json_too_large", id="too many values"),
        pytest.param(LONG.encode(), "invalid_json", id="no JSON"),
        pytest.param(b'"' + b"\xff" * 600_000 + b'"', "invalid_utf8", id="no UTF-8"),
        pytest.param(json_of(model="m\x00", x=LONG), "invalid_value", id="no name"),
        pytest.param(json_of(model=LONG), "invalid_value", id="a name of 600 KB"),
        pytest.param(json_of(model="gone", x=LONG), "model_not_found", id="an unknown model"),
        pytest.param(json_of(stream=LONG), "invalid_type", id="a flag of 600 KB"),
        pytest.param(json_of(max_tokens=0, x=LONG), "invalid_value", id="a bound of zero"),
        pytest.param(json_of(max_cost_usd=-1, x=LONG), "invalid_value", id="a negative price"),
        pytest.param(json_of(api_key=LONG), "field_refused", id="a field that steers"),
    ],
)
def test_a_refused_body_is_kept_by_nothing(body: bytes, code: str) -> None:
    this = room()
    body = bytes(bytearray(body))
    asyncio.run(refused(this, [{"type": "http.request", "body": b"{"}]))
    before = sys.getrefcount(body)
    answer = asyncio.run(refused(this, [{"type": "http.request", "body": body}]))
    assert json.loads(answer)["error"]["code"] == code
    assert is_let_go(body, before)


def test_a_body_that_ends_early_is_refused_and_kept_by_nothing() -> None:
    this, body = room(), json_of(model="m1", x=LONG)
    before = sys.getrefcount(body)
    pieces = [{"type": "http.request", "body": body, "more_body": True}]
    answer = asyncio.run(refused(this, [*pieces, {"type": "http.disconnect"}]))
    del pieces
    assert json.loads(answer)["error"]["code"] == "body_incomplete"
    assert this.sent == []
    assert is_let_go(body, before)


def test_an_answered_body_is_kept_by_nothing() -> None:
    this, body = room(), json_of(model="m1", x=LONG)
    before = sys.getrefcount(body)
    answer = asyncio.run(refused(this, [{"type": "http.request", "body": body}]))
    assert b'"choices"' in answer
    assert is_let_go(body, before)
