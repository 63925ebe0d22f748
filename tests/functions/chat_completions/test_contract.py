"""One behaviour at eight upstreams: the seven in their own manners, and a LiteLLM proxy.

What comes out is held to the official openai package's models; what went to Anthropic, and what it
answered, to the anthropic package's.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ValidationError

from tests.fakes.eight_upstreams import MODELS, PROXIED, UPSTREAMS, name_of, platform_key
from tests.fakes.gateway import PATH, USER
from tests.fakes.recorder import Exchange, Recorder
from tests.fakes.uvicorn_server import UvicornServer

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "Looks something up",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
    for name in ("weather", "population")
]
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
# What OpenRouter reports is an invoice; what the others answer is priced by its tokens.
QUALITY = {"openrouter": "provider_reported"}


class City(BaseModel):
    name: str
    people: int
    rivers: list[str]


CASES: Mapping[str, dict[str, Any]] = {
    "text": {"messages": [{"role": "user", "content": "Hello"}]},
    "system": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ]
    },
    "parts": {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hello,"}, {"type": "text", "text": "you"}],
            }
        ]
    },
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            }
        ]
    },
    "json_schema": {
        "messages": [{"role": "user", "content": "Oslo"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "city", "schema": City.model_json_schema()},
        },
    },
    "one_tool": {"messages": [{"role": "user", "content": "Please call tool"}], "tools": TOOLS},
    "two_tools": {
        "messages": [{"role": "user", "content": "Please call two tools"}],
        "tools": TOOLS,
        "tool_choice": "auto",
    },
    "results": {
        "messages": [
            {"role": "user", "content": "Weather and people of Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": f"call_{tool['function']['name']}",
                        "type": "function",
                        "function": {"name": tool["function"]["name"], "arguments": "{}"},
                    }
                    for tool in TOOLS
                ],
            },
            {"role": "tool", "tool_call_id": "call_weather", "content": "rain"},
            {"role": "tool", "tool_call_id": "call_population", "content": "700 000"},
        ],
        "tools": TOOLS,
    },
    "limits": {
        "messages": [{"role": "user", "content": "Hello"}],
        "max_completion_tokens": 3,
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["END"],
    },
}


@pytest.fixture(scope="module")
def anthropic_types() -> Any:
    """Loaded here: seconds of CPU, which every process that collects the tests would spend."""
    return importlib.import_module("tests.fakes.anthropic_types")


@pytest.fixture(params=UPSTREAMS)
def upstream(request: pytest.FixtureRequest, recorder: Recorder) -> str:
    recorder.exchanges.clear()
    return str(request.param)


def post(url: str, body: bytes | dict[str, Any]) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {**USER, "content-type": "application/json"}
    return httpx.post(url + PATH, content=content, headers=headers, trust_env=False, timeout=20)


def sent_to(recorder: Recorder) -> tuple[Exchange, dict[str, Any]]:
    (exchange,) = recorder.exchanges
    return exchange, json.loads(exchange.body)


def chunks_of(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    *events, done = [
        line.removeprefix("data: ")
        for line in answer.text.split("\n\n")
        if line.startswith("data: ")
    ]
    assert done == "[DONE]"
    return map(json.loads, events)


def hold_to_case(case: str, message: dict[str, Any], finish_reason: str | None) -> None:
    """What a client sees, the same whether it came in one piece or as a stream."""
    calls = message.get("tool_calls") or []
    expected = {"one_tool": ["weather"], "two_tools": ["weather", "population"]}.get(case, [])
    assert [call["function"]["name"] for call in calls] == expected
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in calls)
    assert len({call["id"] for call in calls}) == len(calls)
    if case == "json_schema":
        City.model_validate_json(message["content"])
    elif not expected:
        assert message["content"].startswith("This is a")
    reason = "tool_calls" if expected else "length" if case == "limits" else "stop"
    assert finish_reason == reason


@pytest.mark.parametrize("case", CASES)
def test_json(
    eight_gateway: UvicornServer,
    recorder: Recorder,
    upstream: str,
    case: str,
    anthropic_types: Any,
) -> None:
    answer = post(eight_gateway.url, {"model": name_of(upstream), **CASES[case]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    metadata = body.pop("_metadata")
    assert metadata["provider_used"] == upstream
    assert metadata["cost_quality"] == QUALITY.get(upstream, "measured")
    usage = body["usage"]
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert metadata["cost_incurred"] == pytest.approx(cost, abs=1e-12)
    ChatCompletion.model_validate(body)
    (choice,) = body["choices"]
    hold_to_case(case, choice["message"], choice["finish_reason"])
    exchange, _ = sent_to(recorder)
    if upstream == "anthropic":
        anthropic_types.hold(exchange)


@pytest.mark.parametrize("case", CASES)
def test_stream(
    eight_gateway: UvicornServer,
    recorder: Recorder,
    upstream: str,
    case: str,
    anthropic_types: Any,
) -> None:
    asked = {"model": name_of(upstream), "stream": True, **CASES[case]}
    answer = post(eight_gateway.url, {**asked, "stream_options": {"include_usage": True}})
    assert answer.status_code == 200, answer.text
    message: dict[str, Any] = {"content": "", "tool_calls": []}
    reason = usage = metadata = None
    for chunk in chunks_of(answer):
        metadata = chunk.pop("_metadata", None)
        ChatCompletionChunk.model_validate(chunk)
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            reason = choice.get("finish_reason") or reason
            gather(message, choice["delta"])
    hold_to_case(case, message, reason)
    assert metadata is not None, "the last chunk carries it"
    assert usage is not None
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert metadata["cost_incurred"] == pytest.approx(cost, abs=1e-12)
    exchange, _ = sent_to(recorder)
    if upstream == "anthropic":
        anthropic_types.hold(exchange)


def gather(message: dict[str, Any], delta: dict[str, Any]) -> None:
    message["content"] += delta.get("content") or ""
    for piece in delta.get("tool_calls") or ():
        calls = message["tool_calls"]
        if piece["index"] == len(calls):
            calls.append({"id": piece["id"], "function": {"name": "", "arguments": ""}})
        function = calls[piece["index"]]["function"]
        function["name"] += piece["function"].get("name") or ""
        function["arguments"] += piece["function"].get("arguments") or ""


def test_the_official_client_parses_a_schema_and_sends_results_back(
    eight_gateway: UvicornServer, upstream: str
) -> None:
    with openai.OpenAI(base_url=f"{eight_gateway.url}/v1", api_key="test-user-token") as client:
        model: Any = name_of(upstream)
        question: Any = {"role": "user", "content": "Please call two tools"}
        parsed = client.chat.completions.parse(
            model=model, messages=[{"role": "user", "content": "Oslo"}], response_format=City
        )
        assert isinstance(parsed.choices[0].message.parsed, City)
        tools: Any = TOOLS
        called = client.chat.completions.create(model=model, messages=[question], tools=tools)
        said: Any = called.choices[0].message
        results: Any = [
            {"role": "tool", "tool_call_id": call.id, "content": "42"} for call in said.tool_calls
        ]
        answered = client.chat.completions.create(
            model=model, messages=[question, said, *results], tools=tools
        )
    assert answered.choices[0].finish_reason == "stop"


def test_the_key_goes_in_its_own_header_to_its_own_provider(
    eight_gateway: UvicornServer, recorder: Recorder, upstream: str
) -> None:
    post(eight_gateway.url, {"model": name_of(upstream), **CASES["text"]})
    exchange, body = sent_to(recorder)
    headers = " ".join(exchange.headers.values())
    others = {platform_key(slug) for slug in UPSTREAMS if slug != upstream}
    assert not any(key in headers for key in others)
    if upstream == PROXIED:
        assert exchange.path.startswith("/litellm/")
        assert body["model"] == f"bedrock/{MODELS[PROXIED]}"
        return
    named = "x-api-key" if upstream == "anthropic" else "authorization"
    assert exchange.headers[named].removeprefix("Bearer ") == platform_key(upstream)
    assert exchange.path.startswith(f"/{upstream}/")
    assert body["model"] == MODELS[upstream]


def test_zero_arrives_as_zero(
    eight_gateway: UvicornServer, recorder: Recorder, upstream: str
) -> None:
    post(eight_gateway.url, {"model": name_of(upstream), **CASES["limits"]})
    _, body = sent_to(recorder)
    assert body["temperature"] == 0
    assert "temperature" in body
    assert body["top_p"] == 0.5


def test_unknown_fields_arrive_unchanged_or_are_named(
    eight_gateway: UvicornServer, recorder: Recorder, upstream: str
) -> None:
    """Byte for byte: a number that no float can hold, an escape, an order of keys."""
    future = b'{"b":[1e400,0.10,12345678901234567890],"a":"\\u00e9\\/"}'
    body = b'{"model":"%b","a_future_field":%b,"messages":[{"role":"user","content":"Hello"}]}'
    answer = post(eight_gateway.url, body % (name_of(upstream).encode(), future))
    if upstream == "anthropic":
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "a_future_field"
        assert recorder.exchanges == []
        return
    assert answer.status_code == 200, answer.text
    exchange, _ = sent_to(recorder)
    if upstream == PROXIED:
        assert b"a_future_field" not in exchange.body
        assert answer.json()["_metadata"]["dropped_params"] == ["a_future_field"]
        return
    assert b'"a_future_field":' + future in exchange.body


def test_a_key_that_came_twice_does_not_arrive_twice(
    eight_gateway: UvicornServer, recorder: Recorder, upstream: str
) -> None:
    body = (
        b'{"model":"nobody","temperature":1,"model":"%b","temperature":0,"messages":[],'
        b'"max_tokens":9,"messages":[{"role":"user","content":"Hello"}],"max_tokens":7}'
    )
    answer = post(eight_gateway.url, body % name_of(upstream).encode())
    assert answer.status_code == 200, answer.text
    exchange, _ = sent_to(recorder)
    names: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names.extend(name for name, _ in pairs)
        return dict(pairs)

    sent = json.loads(exchange.body, object_pairs_hook=note)
    for name in ("model", "temperature", "messages"):
        assert names.count(name) == 1
    assert sent["temperature"] == 0
    assert {sent.get("max_tokens"), sent.get("max_completion_tokens")} == {7, None}


def test_usage_is_asked_for_and_hidden_from_who_did_not_ask(
    eight_gateway: UvicornServer, recorder: Recorder, upstream: str
) -> None:
    answer = post(eight_gateway.url, {"model": name_of(upstream), "stream": True, **CASES["text"]})
    chunks = list(chunks_of(answer))
    # Some providers put usage into the chunk with the reason, whatever was asked.
    assert all(chunk["choices"] for chunk in chunks)
    assert chunks[-1]["_metadata"]["cost_quality"] == QUALITY.get(upstream, "measured")
    if upstream != "anthropic":
        _, body = sent_to(recorder)
        assert body["stream_options"] == {"include_usage": True}


def test_anthropics_types_find_what_is_wrong_deep_inside(anthropic_types: Any) -> None:
    wrong = {
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "x"}}]}],
    }
    with pytest.raises(ValidationError):
        anthropic_types.hold_request(wrong)
