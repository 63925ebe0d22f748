"""A number that no decoder has room for, in any place of a request, is no fault of ours.

`1e400` is JSON. Fields that we do not read go on as they came, so no decoder has seen it before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from functions.routing_rules.route import explain
from shared.completion.doors.messages import MESSAGES
from shared.completion.wire import CHAT, Wire
from shared.errors import SwitchyardError
from tests.shared.completion.room import CALLER, Room, scope_of
from tests.shared.routing import catalog

HERE = "@"
NUMBERS = [b"1e400", b"[-1e400]", b'{"a":[1e400]}']
SCHEMA = {"type": "object", "properties": {"a": {"minimum": HERE, "enum": [HERE]}}, "x": HERE}
PART = {"type": "text", "text": "hi", "x": HERE, "cache_control": {"type": "ephemeral", "a": HERE}}
SAMPLING = ("temperature", "top_p", "top_k", "service_tier", "user", "metadata", "x", "stream")
EVERYWHERE = {
    **dict.fromkeys(SAMPLING, HERE),
    "tags": [HERE],
    "thinking": {"type": "enabled", "budget_tokens": HERE},
}
CHAT_BODY: dict[str, Any] = {
    **EVERYWHERE,
    "messages": [
        {"role": "user", "content": [PART], "x": HERE},
        {"role": "assistant", "content": "a", "reasoning_content": HERE, "tool_calls": HERE},
    ],
    **dict.fromkeys(("n", "stop", "seed", "max_tokens", "prediction", "modalities"), HERE),
    **dict.fromkeys(
        ("tool_choice", "logit_bias", "models", "max_cost_usd", "response_format"), HERE
    ),
    "metadata": {"a": HERE, "tags": [HERE]},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}, "x": HERE}],
    "reasoning": {"effort": HERE},
    "stream_options": {"include_usage": HERE},
}
MESSAGES_BODY: dict[str, Any] = {
    **EVERYWHERE,
    "max_tokens": 9,
    "system": [PART],
    "messages": [
        {
            "role": "user",
            "content": [PART, {"type": "image", "source": {"type": "url", "x": HERE}}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": HERE}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": HERE}]},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA, "cache_control": HERE}],
    "tool_choice": {"type": "tool", "name": "f", "x": HERE},
    "output_config": {"effort": HERE, "format": {"type": "json_schema", "schema": SCHEMA}},
}


def filled(value: Any, at: list[int], nth: int, number: bytes) -> Any:
    """`value` with `number` in its `nth` place, and without the others; `at` counts them."""
    if value == HERE:
        at[0] += 1
        return number.decode("latin-1") if at[0] - 1 == nth else None
    if isinstance(value, dict):
        inner = {name: filled(one, at, nth, number) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None}
    if isinstance(value, list):
        items = [filled(one, at, nth, number) for one in value]
        return [one for one in items if one is not None]
    return value


def bodies(body: dict[str, Any]) -> Iterator[bytes]:
    for nth in range(json.dumps(body).count(f'"{HERE}"')):
        for number in NUMBERS:
            text = json.dumps(filled(body, [0], nth, number))
            yield text.replace(json.dumps(number.decode()), number.decode()).encode()


async def statuses_of(wire: Wire, body: bytes) -> list[int]:
    room, messages, sent = Room(catalog.snapshot()), [{"type": "http.request", "body": body}], []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await room.completions.serve(wire, scope_of({}), receive, send)
    return [message["status"] for message in sent if "status" in message]


@pytest.mark.parametrize(
    ("wire", "body"), [(CHAT, CHAT_BODY), (MESSAGES, MESSAGES_BODY)], ids=["chat", "messages"]
)
def test_it_is_refused_or_passed_on(wire: Wire, body: dict[str, Any]) -> None:
    async def main() -> list[bytes]:
        return [one for one in bodies(body) if 500 in await statuses_of(wire, one)]

    assert asyncio.run(main()) == []


def test_a_route_is_told_or_refused() -> None:
    async def main() -> None:
        room = Room(catalog.snapshot())
        for one in bodies(CHAT_BODY):
            with suppress(SwitchyardError):
                await explain(room.router, one, CALLER, scope_of({}))

    asyncio.run(main())
