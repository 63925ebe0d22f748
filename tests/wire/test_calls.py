"""Tool calls come to the client as its SDK needs them: each with an index of its own, and with
arguments that are text."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.told_provider import (
    COST,
    DONE,
    USAGE,
    NewPair,
    as_events,
    as_json,
    chunk,
    completion,
    events_of,
    metadata_of,
)

TWO = [("a", "f", "{}"), ("b", "g", "{}")]


def call(index: object, call_id: str = "", name: str = "", arguments: object = "") -> Any:
    """A piece of one; what is empty is absent."""
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    numbered = {} if index == "absent" else {"index": index}
    return numbered | ({"id": call_id} if call_id else {}) | {"function": function}


STREAMS: dict[str, list[list[Any]]] = {
    "as they should be": [[call(0, "a", "f", "{}")], [call(1, "b", "g", "{}")]],
    "no index": [[call("absent", "a", "f", "{}")], [call("absent", "b", "g", "{}")]],
    "null": [[call(None, "a", "f", "{}")], [call(None, "b", "g", "{}")]],
    "null, in pieces": [
        *([call(None, "a", "f")], [call(None, arguments="{}")]),
        *([call(None, "b", "g")], [call(None, arguments="{}")]),
    ],
    "a text": [[call("0", "a", "f", "{}")], [call("1", "b", "g", "{}")]],
    "all 0": [[call(0, "a", "f", "{}")], [call(0, "b", "g", "{}")]],
    "all 0, in pieces": [
        *([call(0, "a", "f")], [call(0, arguments="{")], [call(0, arguments="}")]),
        *([call(0, "b", "g")], [call(0, arguments="{")], [call(0, arguments="}")]),
    ],
    "all 0, in one event": [[call(0, "a", "f", "{}"), call(0, "b", "g", "{}")]],
    "from 1": [[call(1, "a", "f", "{}")], [call(2, "b", "g", "{}")]],
    "the id in every piece": [
        *([call(0, "a", "f", "{")], [call(0, "a", arguments="}")]),
        *([call(1, "b", "g", "{")], [call(1, "b", arguments="}")]),
    ],
    "arguments null at first": [
        *([call(0, "a", "f", None)], [call(0, arguments="{}")]),
        [call(1, "b", "g", "{}")],
    ],
    "arguments as objects": [[call(0, "a", "f", {})], [call(1, "b", "g", {})]],
}


def joined(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """The calls as OpenAI's SDK joins them. Raises where it would."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        whole = answer.json()["choices"][0]["message"]["tool_calls"]
        return [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in whole]
    calls: dict[int, list[str]] = {}
    for event in events_of(answer):
        for choice in event["choices"]:
            for piece in choice["delta"].get("tool_calls") or ():
                before = calls.setdefault(int(piece["index"]), ["", "", ""])
                function = piece["function"]
                before[0] = piece.get("id") or before[0]
                before[1] += function.get("name") or ""
                before[2] += function.get("arguments") or ""
    return [(one[0], one[1], one[2]) for _, one in sorted(calls.items())]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", STREAMS)
def test_calls_of_a_stream_are_told_apart(new_pair: NewPair, case: str, stream: bool) -> None:
    pair = new_pair("openai")
    pieces = [chunk({"tool_calls": one}) for one in STREAMS[case]]
    pair.first.says(as_events(*pieces, chunk({}, "tool_calls", usage=USAGE), DONE))
    answer = pair.ask(stream=stream)
    assert joined(answer) == TWO
    assert metadata_of(answer)["cost_incurred"] == COST


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("given", "text"),
    [('{"a":1}', '{"a":1}'), ({"a": {"b": [1]}}, '{"a": {"b": [1]}}'), ({}, "{}")],
)
def test_arguments_are_text_in_a_whole_answer_too(
    new_pair: NewPair, given: object, text: str, stream: bool
) -> None:
    said = {"role": "assistant", "content": None, "tool_calls": [call("absent", "a", "f", given)]}
    choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
    pair = new_pair("openai")
    pair.first.says(as_json(completion("", choices=[choice])))
    assert joined(pair.ask(stream=stream)) == [("a", "f", text)]
