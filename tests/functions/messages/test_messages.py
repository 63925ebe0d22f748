"""The Messages door, through a gateway: answers, streams, bills and errors in Anthropic's words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from tests.fakes.gateway import USER, Deployment, row_of
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

PATH = "/v1/messages"
TOKEN = next(iter(USER.values())).removeprefix("Bearer ")
# Claude's is spoken to in its own words, OpenAI's through chat.
LEVELS = pytest.mark.parametrize("level", ["precision", "balanced"])
HELLO: Any = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
SAME = ("cost_incurred", "model_used", "cost_quality")
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def ask(gateway: UvicornServer, path: str = PATH, **body: Any) -> httpx.Response:
    headers = {"x-api-key": TOKEN, "anthropic-version": "2023-06-01"}
    whole = {**HELLO, **body}
    return httpx.post(gateway.url + path, json=whole, headers=headers, trust_env=False)


def events(text: str) -> list[Any]:
    named = [event.split("\n") for event in text.split("\n\n") if event.startswith("event: ")]
    found = [(one[0].removeprefix("event: "), json.loads(one[1][6:])) for one in named]
    assert [name for name, data in found] == [data["type"] for _, data in found]
    return [data for _, data in found]


@LEVELS
def test_an_answer_is_a_message_with_metadata_and_a_row(
    deployment: Deployment, gateway: UvicornServer, level: str
) -> None:
    answer = ask(gateway, power_level=level)
    assert answer.status_code == 200, answer.text
    message = Message.model_validate_json(answer.text, strict=True)
    assert message.content[0].type == "text"
    assert message.stop_reason == "end_turn"
    told = answer.json()["_metadata"]
    assert told["request_id"] == answer.headers["request-id"]
    row = row_of(deployment, answer.headers["request-id"])
    assert (row["endpoint"], row["cost_quality"]) == ("messages", "measured")
    assert row["prompt_tokens"] == message.usage.input_tokens
    assert row["completion_tokens"] == message.usage.output_tokens


@LEVELS
def test_a_stream_has_anthropics_events_and_its_metadata_beside_the_usage(
    gateway: UvicornServer, level: str
) -> None:
    answer = ask(gateway, path=PATH + "?beta=true", power_level=level, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    said = events(answer.text)
    for one in said:
        if one["type"] != "ping":
            EVENT.validate_python(one)
    kinds = [one["type"] for one in said if one["type"] != "ping"]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert said[-2]["usage"]["output_tokens"] > 0
    assert said[-2]["_metadata"]["request_id"] == answer.headers["request-id"]


def test_the_same_costs_the_same_through_either_door(gateway: UvicornServer) -> None:
    chat = httpx.post(
        gateway.url + "/v1/chat/completions",
        json={**HELLO, "power_level": "balanced"},
        headers=USER,
        trust_env=False,
    ).json()["_metadata"]
    told = ask(gateway, power_level="balanced").json()["_metadata"]
    assert (told["cost_incurred"], told["model_used"]) == (
        chat["cost_incurred"],
        chat["model_used"],
    )


@LEVELS
@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called(gateway: UvicornServer, level: str, stream: bool) -> None:
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    asked = {"messages": [{"role": "user", "content": "please call tool"}], "tools": [tool]}
    answer = ask(gateway, power_level=level, stream=stream, **asked)
    if stream:
        starts = [one for one in events(answer.text) if one["type"] == "content_block_start"]
        block = starts[-1]["content_block"]
    else:
        block = answer.json()["content"][-1]
        assert answer.json()["stop_reason"] == "tool_use"
    assert (block["type"], block["name"]) == ("tool_use", "f")


@pytest.mark.parametrize(
    ("body", "status", "kind", "param"),
    [
        ({"messages": []}, 400, "invalid_request_error", "messages"),
        ({"model": "gpt-99"}, 404, "not_found_error", "model"),
        ({"max_tokens": 0}, 400, "invalid_request_error", "max_tokens"),
        ({"max_tokens": "x"}, 400, "invalid_request_error", "max_tokens"),
        ({"api_base": "https://a.example"}, 400, "invalid_request_error", "api_base"),
    ],
)
def test_errors_have_anthropics_shape(
    gateway: UvicornServer, body: Any, status: int, kind: str, param: str
) -> None:
    answer = ask(gateway, **body)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert (said["type"], said["error"]["type"], said["error"]["param"]) == ("error", kind, param)
    assert said["request_id"] == answer.headers["request-id"]


def test_without_a_token_nobody_is_served(gateway: UvicornServer) -> None:
    answer = httpx.post(gateway.url + PATH, json=HELLO, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


def test_tokens_are_counted_and_an_estimate_says_so(
    gateway: UvicornServer, simulated: SimulatedProvider
) -> None:
    counted = ask(gateway, PATH + "/count_tokens", power_level="balanced").json()
    assert counted["input_tokens"] > 0
    assert counted["_metadata"]["estimated"] is True
    assert counted["_metadata"]["provider_used"] == "openai"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "kind"),
    [
        ("POST", "/v1/messages/batches", {}, 404, "not_found_error"),
        ("GET", "/v1/messages/batches/b/results", {}, 404, "not_found_error"),
        ("GET", "/api/v1/llm/messages/x", {}, 404, "not_found_error"),
        ("POST", "/v1/messages/" + "x" * 2000, {}, 404, "not_found_error"),
        ("GET", "/v1/messages", {}, 405, "invalid_request_error"),
        ("DELETE", "/v1/messages/count_tokens", {}, 405, "invalid_request_error"),
        ("POST", "/v1/messages", {"host": "evil.example"}, 403, "permission_error"),
        ("POST", "/v1/messages", {"content-encoding": "br"}, 415, "invalid_request_error"),
        ("POST", "/v1/messages", {"x-api-key": "sy_bad"}, 401, "authentication_error"),
    ],
)
def test_what_is_refused_before_its_route_has_anthropics_shape_too(
    gateway: UvicornServer, method: str, path: str, headers: dict[str, str], status: int, kind: str
) -> None:
    sent = {"x-api-key": TOKEN, **headers}
    with httpx.Client(trust_env=False) as client:
        content = b"{}" if method == "POST" else None
        answer = client.request(method, gateway.url + path, headers=sent, content=content)
    said = answer.json()
    assert (answer.status_code, said["type"], said["error"]["type"]) == (status, "error", kind)
    assert said["request_id"] == answer.headers["request-id"]


def test_what_only_begins_alike_has_openais_shape(gateway: UvicornServer) -> None:
    answer = httpx.get(gateway.url + "/v1/messagesandmore", headers=USER, trust_env=False)
    assert "type" not in answer.json()
    assert answer.json()["error"]["code"] == "not_found"


def test_a_head_of_the_root_is_answered(gateway: UvicornServer) -> None:
    answer = httpx.head(gateway.url + "/", trust_env=False)
    assert (answer.status_code, answer.content) == (200, b"")
