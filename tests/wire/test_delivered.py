"""Where nobody reports how much was said, what came is counted as tokens: of every script, as text,
as thoughts and as calls, cut off or whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.told_provider import (
    DONE,
    NewPair,
    as_events,
    as_json,
    chunk,
    completion,
    message,
    message_events,
)

CORPUS = Path(__file__).parents[1] / "recorded/tokens"
COUNTED: dict[str, int] = json.loads((CORPUS / "counts.json").read_text())["tokens"]


def document(name: str) -> str:
    return (CORPUS / f"{name}.txt").read_text()


def pieces(text: str) -> list[str]:
    return [text[at : at + 7] for at in range(0, len(text), 7)]


def completion_tokens(told: Deployment, answer: Any) -> int:
    request_id = answer.headers["x-request-id"]
    rows = told.rows_when(lambda rows: any(row["request_id"] == request_id for row in rows))
    (row,) = [row for row in rows if row["request_id"] == request_id]
    assert row["cost_quality"] == "estimated"
    return row["completion_tokens"]


@pytest.mark.parametrize("name", COUNTED)
def test_a_stream_that_was_cut_is_billed_by_the_tokens_that_came(
    new_pair: NewPair, told: Deployment, name: str
) -> None:
    pair = new_pair("openai")
    pair.first.says(as_events(*(chunk({"content": one}) for one in pieces(document(name)))))
    answer = pair.ask(stream=True)
    assert "stream_cut" in answer.text
    assert completion_tokens(told, answer) == pytest.approx(COUNTED[name], rel=0.15)


THOUGHTS = ("reasoning", "reasoning_content", "thinking", "reasoning_details")


def a_thought(name: str, piece: str) -> object:
    return [{"type": "reasoning.text", "text": piece}] if name == "reasoning_details" else piece


@pytest.mark.parametrize("name", THOUGHTS)
def test_thoughts_that_came_are_counted_under_each_of_their_names(
    new_pair: NewPair, told: Deployment, name: str
) -> None:
    pair = new_pair("openai")
    thoughts = [chunk({name: a_thought(name, one)}) for one in pieces(document("chinese"))]
    pair.first.says(as_events(*thoughts, chunk({"content": "好"})))
    came = completion_tokens(told, pair.ask(stream=True))
    assert came == pytest.approx(COUNTED["chinese"], rel=0.15)


def test_the_arguments_of_calls_that_came_are_counted(new_pair: NewPair, told: Deployment) -> None:
    def call(piece: str, **more: object) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": 0, **more, "function": {"arguments": piece}}]})

    pair = new_pair("openai")
    first, *rest = pieces(document("json"))
    pair.first.says(as_events(call(first, id="c", type="function"), *map(call, rest)))
    came = completion_tokens(told, pair.ask(stream=True))
    assert came == pytest.approx(COUNTED["json"], rel=0.15)


@pytest.mark.parametrize("name", ["chinese", "code", "russian"])
@pytest.mark.parametrize("kind", ["text", "thinking", "input_json"])
def test_a_message_that_was_cut_is_billed_by_the_tokens_that_came(
    new_pair: NewPair, told: Deployment, name: str, kind: str
) -> None:
    field = "partial_json" if kind == "input_json" else kind
    block = {
        "text": {"type": "text", "text": ""},
        "thinking": {"type": "thinking", "thinking": "", "signature": ""},
        "input_json": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    }[kind]
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": f"{kind}_delta", field: piece},
        }
        for piece in pieces(document(name))
    ]
    begun = {"type": "content_block_start", "index": 0, "content_block": block}
    pair = new_pair("anthropic")
    pair.first.says(as_events(message_events("")[0], begun, *deltas))
    came = completion_tokens(told, pair.ask(stream=True))
    assert came == pytest.approx(COUNTED[name], rel=0.15)


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_answer_without_usage_is_billed_by_its_tokens(
    new_pair: NewPair, told: Deployment, dialect: str, stream: bool
) -> None:
    text = document("japanese")
    pair = new_pair(dialect)
    if dialect == "openai":
        events = [*(chunk({"content": one}) for one in pieces(text)), chunk({}, "stop"), DONE]
        pair.first.says(as_json(completion(text, None)), as_events(*events))
    else:
        silent: dict[str, object] = {"input_tokens": 100}
        pair.first.says(
            as_json(message(text, usage=silent)),
            as_events(*message_events(*pieces(text), start=silent, end={})),
        )
    came = completion_tokens(told, pair.ask(stream=stream))
    assert came == pytest.approx(COUNTED["japanese"], rel=0.15)


def test_what_a_proxy_streams_for_json_is_billed_by_its_tokens(
    new_pair: NewPair, told: Deployment
) -> None:
    pair = new_pair("openai")
    text = document("korean")
    events = [chunk({"content": one}) for one in pieces(text)]
    pair.first.says(as_events(*events, chunk({}, "stop"), DONE))
    came = completion_tokens(told, pair.ask(stream=False))
    assert came == pytest.approx(COUNTED["korean"], rel=0.15)
