"""Anthropic's Messages API, checked against the types of anthropic 2.13.0 by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.uvicorn_server import UvicornServer

TOOLS: list[dict[str, Any]] = [{"name": "weather", "input_schema": {"type": "object"}}]


def body(text: Any = "hello there", **fields: Any) -> dict[str, Any]:
    asked = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return asked | fields


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The stream's events; the name of each must be the type in its data."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    *frames, end = answer.text.split("\n\n")
    assert end == ""
    made: list[dict[str, Any]] = []
    for frame in frames:
        name, data = frame.split("\n")
        made.append(msgspec.json.decode(data.removeprefix("data: ")))
        assert name == f"event: {made[-1]['type']}"
    return made


def test_a_json_answer_has_anthropics_fields(anthropic: httpx.Client) -> None:
    said = anthropic.post("/messages", json=body()).json()
    assert said.pop("id").startswith("msg_sim_")
    (block,) = said.pop("content")
    assert (block["type"], block["text"].endswith("You asked: hello there")) == ("text", True)
    assert said == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3 + 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": -(-len(block["text"]) // 4),
            "service_tier": "standard",
        },
    }


def test_text_and_tokens_are_those_of_openais_wire(anthropic: httpx.Client) -> None:
    ours = anthropic.post("/messages", json=body("2 + 2?", system="Be short.")).json()
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2 + 2?"}]
    theirs = anthropic.post("/chat/completions", json={"model": "m", "messages": messages}).json()
    assert ours["content"][0]["text"] == theirs["choices"][0]["message"]["content"]
    assert ours["usage"]["input_tokens"] == theirs["usage"]["prompt_tokens"]
    assert ours["usage"]["output_tokens"] == theirs["usage"]["completion_tokens"]


def test_blocks_count_and_are_echoed_as_the_text_they_join_to(anthropic: httpx.Client) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    parts = [{"type": "text", "text": "what is "}, image, {"type": "text", "text": "this?"}]
    joined, parted = (
        anthropic.post("/messages", json=body(said)).json() for said in ("what is this?", parts)
    )
    assert (joined["content"], joined["usage"]) == (parted["content"], parted["usage"])


def test_a_stream_has_the_documented_order_and_says_what_json_says(anthropic: httpx.Client) -> None:
    whole = anthropic.post("/messages", json=body()).json()
    said = events(anthropic.post("/messages", json=body(stream=True)))
    text = whole["content"][0]["text"]
    words = ["content_block_delta"] * len(text.split())
    kinds = [event["type"] for event in said]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[3:-3] == words
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    deltas = [event["delta"] for event in said[3:-3]]
    assert {delta["type"] for delta in deltas} == {"text_delta"}
    assert "".join(delta["text"] for delta in deltas) == text
    started = said[0]["message"]
    assert (started["content"], started["stop_reason"]) == ([], None)
    assert set(started) == set(whole)
    assert said[1]["content_block"] == {"type": "text", "text": ""}


def test_the_usage_of_a_stream_is_cumulative_and_its_last_is_that_of_json(
    anthropic: httpx.Client,
) -> None:
    usage = anthropic.post("/messages", json=body()).json()["usage"]
    said = events(anthropic.post("/messages", json=body(stream=True)))
    assert said[0]["message"]["usage"] == usage | {"output_tokens": 1}
    assert said[-2]["usage"] | {"service_tier": "standard"} == usage
    assert said[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


def test_max_tokens_shortens_stream_and_json_alike(anthropic: httpx.Client) -> None:
    said = anthropic.post("/messages", json=body(max_tokens=3)).json()
    assert (said["content"][0]["text"], said["stop_reason"]) == ("This is a si", "max_tokens")
    stream = events(anthropic.post("/messages", json=body(max_tokens=3, stream=True)))
    assert stream[-2]["delta"]["stop_reason"] == "max_tokens"
    assert stream[-2]["usage"]["output_tokens"] == 3


def test_a_tool_call_is_the_same_in_json_and_stream(anthropic: httpx.Client) -> None:
    asked = body("call tool", tools=TOOLS)
    said = anthropic.post("/messages", json=asked).json()
    (block,) = said["content"]
    assert said["stop_reason"] == "tool_use"
    assert block.pop("id").startswith("toolu_sim_")
    assert block == {"type": "tool_use", "name": "weather", "input": {}}
    stream = events(anthropic.post("/messages", json=asked | {"stream": True}))
    started = stream[1]["content_block"]
    assert (started["type"], started["name"], started["input"]) == ("tool_use", "weather", {})
    deltas = [event["delta"] for event in stream if event["type"] == "content_block_delta"]
    assert {delta["type"] for delta in deltas} == {"input_json_delta"}
    assert deltas[0]["partial_json"] == ""
    assert msgspec.json.decode("".join(d["partial_json"] for d in deltas)) == block["input"]
    assert stream[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_tool_call_that_max_tokens_cuts_has_an_empty_input(anthropic: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    long = [{"name": "weather", "input_schema": schema}]
    said = anthropic.post("/messages", json=body("call tool", tools=long, max_tokens=1)).json()
    assert (said["content"][0]["input"], said["stop_reason"]) == ({}, "max_tokens")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": [{"type": "web_search_20250305", "name": "w"}]}, id="its own tool"),
        pytest.param({"tools": [{"type": "mcp_toolset"}]}, id="a tool without a name"),
        pytest.param(
            {
                "tools": TOOLS,
                "messages": [
                    {"role": "user", "content": "call tool"},
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "a", "name": "weather"}],
                    },
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "a", "content": "call tool"}
                        ],
                    },
                ],
            },
            id="the tool has answered",
        ),
    ],
)
def test_no_tool_is_called_otherwise(anthropic: httpx.Client, fields: dict[str, Any]) -> None:
    said = anthropic.post("/messages", json=body("call tool") | fields).json()
    assert (said["stop_reason"], said["content"][0]["type"]) == ("end_turn", "text")


def test_models_are_listed_on_one_page_and_any_name_is_one(anthropic: httpx.Client) -> None:
    listed = anthropic.get("/models").json()
    ids = [model["id"] for model in listed["data"]]
    assert (listed["first_id"], listed["last_id"]) == (ids[0], ids[-1])
    assert listed["has_more"] is False
    card = anthropic.get("/models/any").json()
    assert datetime.fromisoformat(card.pop("created_at")).tzinfo is not None
    assert card == {"type": "model", "id": "any", "display_name": "any", "lifecycle": "active"}


def test_any_prefix_serves_messages_and_anthropics_own_serves_openais_wire(
    anthropic: httpx.Client, provider: UvicornServer
) -> None:
    assert anthropic.post(f"{provider.url}/v1/messages", json=body()).json()["type"] == "message"
    refused = anthropic.post("/chat/completions", json={})
    assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
