"""What a provider streams in its own way is the same answer through each of the three doors."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.fakes.told_provider import (
    COST,
    DONE,
    HELLO,
    USAGE,
    NewPair,
    Pair,
    as_events,
    chunk,
)

Said = tuple[str, str, list[tuple[str, str]]]
"""Text, thoughts and calls."""

USAGE_EVENT = {**chunk({}), "choices": [], "usage": USAGE}
PREVIEW = {**USAGE_EVENT, "usage": {"prompt_tokens": 100, "completion_tokens": 4}}


def call(index: object, arguments: object, call_id: str = "", name: object = None) -> Any:
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    return chunk({"tool_calls": [{"index": index, "id": call_id or None, "function": function}]})


def ended(*events: object, reason: str = "stop") -> list[object]:
    return [*events, chunk({}, reason, usage=USAGE), DONE]


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
DETAILS = [{"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}]
STREAMS: dict[str, tuple[list[object], Said]] = {
    "a preview of the usage first (vllm-project/semantic-router issue 2215)": (
        [PREVIEW, chunk({"content": "hello"}), chunk({}, "stop"), USAGE_EVENT, DONE],
        ("hello", "", []),
    ),
    "choices empty in the middle (diegosouzapw/OmniRoute issue 9547)": (
        ended(chunk({"content": "hel"}), {**chunk({}), "choices": []}, chunk({"content": "lo"})),
        ("hello", "", []),
    ),
    "the usage and no reason (earendil-works/pi pull request 7441)": (
        [chunk({"content": "hello"}), USAGE_EVENT],
        ("hello", "", []),
    ),
    "names empty in later pieces (0xPlaygrounds/rig pull request 442)": (
        ended(
            *(call(0, "", "a", "f"), call(0, '{"x"', name=""), call(0, ":1}", name="")),
            reason="tool_calls",
        ),
        ("", "", [("f", '{"x":1}')]),
    ),
    "ids in every piece (BerriAI/litellm issue 20480)": (
        ended(
            *(call(0, '{"x"', "a", "f"), call(0, ":1}", "a"), call(1, "{}", "b", "g")),
            reason="tool_calls",
        ),
        ("", "", [("f", '{"x":1}'), ("g", "{}")]),
    ),
    "three calls under one index (BerriAI/litellm issue 7621)": (
        ended(
            *(call(0, '{"x":1}', "a", "f"), call(0, '{"x":2}', "b", "f"), call(0, "{}", "c", "f")),
            reason="tool_calls",
        ),
        ("", "", [("f", '{"x":1}'), ("f", '{"x":2}'), ("f", "{}")]),
    ),
    "reasoning (vllm-project/vllm pull request 50624)": (
        ended(chunk({"reasoning": "hm"}), chunk({"content": "hello"})),
        ("hello", "hm", []),
    ),
    "both names of thoughts": (
        ended(chunk({"reasoning": "hm", "reasoning_content": "hm"}), chunk({"content": "hello"})),
        ("hello", "hm", []),
    ),
    "reasoning_details alone": (
        ended(chunk({"reasoning_details": DETAILS}), chunk({"content": "hello"})),
        ("hello", "hm", []),
    ),
    "Mistral's parts": (
        ended(chunk({"content": PARTS}), chunk({"content": [{"type": "text", "text": "hello"}]})),
        ("hello", "hm", []),
    ),
    "the last words with the reason (vllm-project/vllm issue 36944)": (
        [chunk({"content": "hel"}), chunk({"content": "lo"}, "stop", usage=USAGE), DONE],
        ("hello", "", []),
    ),
}


def messages(pair: Pair, *, stream: bool) -> httpx.Response:
    return pair.ask_at("/v1/messages", stream=stream, messages=HELLO, max_tokens=99)


def responses(pair: Pair, *, stream: bool) -> httpx.Response:
    return pair.ask_at("/v1/responses", stream=stream, input="hello there")


def datas(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def of_message(answer: httpx.Response, *, stream: bool) -> tuple[Said, Any]:
    if not stream:
        whole = answer.json()
        return said_in(whole["content"]), whole["_metadata"]
    blocks: list[dict[str, Any]] = []
    metadata: Any = None
    for event in datas(answer):
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        if event["type"] == "content_block_delta":
            delta = event["delta"]
            for name in ("text", "thinking"):
                blocks[-1][name] = blocks[-1].get(name, "") + delta.get(name, "")
            blocks[-1]["json"] += delta.get("partial_json", "")
        metadata = event.get("_metadata", metadata)
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["json"] or "{}")
    return said_in(blocks), metadata


def said_in(blocks: list[dict[str, Any]]) -> Said:
    return (
        "".join(one["text"] for one in blocks if one["type"] == "text"),
        "".join(one["thinking"] for one in blocks if one["type"] == "thinking"),
        [(one["name"], compact(one["input"])) for one in blocks if one["type"] == "tool_use"],
    )


def of_response(answer: httpx.Response, *, stream: bool) -> tuple[Said, Any]:
    whole = datas(answer)[-1]["response"] if stream else answer.json()
    text = thoughts = ""
    calls: list[tuple[str, str]] = []
    for item in whole["output"]:
        parts = [*(item.get("content") or []), *(item.get("summary") or [])]
        words = "".join(part.get("text", "") for part in parts)
        if item["type"] == "reasoning":
            thoughts += words
        elif item["type"] == "function_call":
            calls.append((item["name"], compact(json.loads(item["arguments"]))))
        else:
            text += words
    return (text, thoughts, calls), whole["_metadata"]


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


DOORS: dict[str, tuple[Any, Any]] = {
    "messages": (messages, of_message),
    "responses": (responses, of_response),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_is_the_same_answer_through_each_door(
    new_pair: NewPair, case: str, door: str, stream: bool
) -> None:
    events, said = STREAMS[case]
    ask, read = DOORS[door]
    pair = new_pair("openai")
    pair.first.says(as_events(*events))
    answer = ask(pair, stream=stream)
    assert answer.status_code == 200, answer.text  # noqa: PLR2004
    found, told = read(answer, stream=stream)
    assert found == said
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")
    assert (pair.first.calls, pair.second.calls) == (1, 0)


@pytest.mark.parametrize("stream", [False, True])
def test_an_id_that_claude_refuses_is_never_given_to_a_client_of_its_wire(
    new_pair: NewPair, stream: bool
) -> None:
    """maximhq/bifrost issue 5097: Kimi's ids, whose conversation Claude goes on with."""
    pair = new_pair("openai")
    calls = (call(0, "{}", "functions.Bash:0", "Bash"), call(1, "{}", "functions.Bash_0", "Bash"))
    pair.first.says(as_events(*ended(*calls, reason="tool_calls")))
    answer = messages(pair, stream=stream)
    blocks = (
        [one["content_block"] for one in datas(answer) if "content_block" in one]
        if stream
        else answer.json()["content"]
    )
    ids = [block["id"] for block in blocks]
    assert len(set(ids)) == len(calls)
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", one) for one in ids)
