"""Tool calls reach a client with an index and a reason, whatever the provider left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.wire.dialect import dialect_of
from shared.wire.parse.sse import event_data
from shared.wire.provider import OPENAI, Auth

FUNCTION = {"name": "f", "arguments": "{}"}


def event(delta: object, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: %b\n\n" % json.dumps({"id": "c", "choices": [choice]}).encode()


def read(slug: str, *events: bytes) -> list[Any]:
    """The choices that a client gets."""
    reader = dialect_of(OPENAI, slug, Auth.BEARER).reader(show_usage=False, created=1)
    out = reader.feed(b"".join(events) + b"data: [DONE]\n\n") + reader.end(b"{}")
    data = [event_data(one) for one in out.split(b"\n\n")]
    return [json.loads(one)["choices"][0] for one in data if one and one != b"[DONE]"]


@pytest.mark.parametrize(
    ("deltas", "indexes"),
    [
        ([[{"id": "a", "function": FUNCTION}], [{"id": "b", "function": FUNCTION}]], [0, 1]),
        ([[{"id": "a", "function": FUNCTION}, {"id": "b", "function": FUNCTION}]], [0, 1]),
        ([[{"id": "", "function": FUNCTION}], [{"id": "", "function": FUNCTION}]], [0, 1]),
        ([[{"id": "a", "function": FUNCTION}], [{"function": {"arguments": "}"}}]], [0, 0]),
        ([[{"id": "a", "index": 3, "function": FUNCTION}]], [3]),
    ],
)
def test_a_call_without_an_index_gets_the_next_and_its_pieces_the_same(
    deltas: list[list[dict[str, Any]]], indexes: list[int]
) -> None:
    choices = read("compatible", *(event({"tool_calls": calls}) for calls in deltas))
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
    assert [call["index"] for call in calls] == indexes


@pytest.mark.parametrize(
    ("slug", "reason"), [("google", "tool_calls"), ("openai", "stop"), ("compatible", "stop")]
)
def test_stop_is_the_reason_for_calls_only_at_a_provider_that_gives_it_so(
    slug: str, reason: str
) -> None:
    """OpenAI itself gives `stop` where the caller forced the function."""
    call = {"index": 0, "id": "a", "function": FUNCTION}
    choices = read(slug, event({"tool_calls": [call]}), event({}, "stop"))
    assert choices[-1]["finish_reason"] == reason
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    completion = dialect_of(OPENAI, slug, Auth.BEARER).reply(body, created=1)
    assert json.loads(completion.body)["choices"][0]["finish_reason"] == reason


def test_without_calls_the_reason_stays() -> None:
    assert read("google", event({"content": "x"}), event({}, "stop"))[-1]["finish_reason"] == "stop"


def test_a_stream_without_a_reason_gets_the_one_that_fits() -> None:
    call = {"index": 0, "id": "a", "function": FUNCTION}
    assert read("openai", event({"tool_calls": [call]}))[-1]["finish_reason"] == "tool_calls"
    assert read("openai", event({"content": "x"}))[-1]["finish_reason"] == "stop"
