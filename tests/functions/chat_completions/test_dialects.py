"""Every seeded provider through the running gateway, each in its own dialect, one behaviour."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.fakes.gateway import ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

MODELS = {
    "openai": "gpt-6.1-terra",
    "groq": "openai/gpt-oss-20b",
    "google": "gemini-3.8-flash",
    "anthropic": "claude-opus-5-5",
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Looks something up",
            "parameters": {"type": "object", "properties": {}},
        },
    }
]


def name_of(provider: str) -> str:
    return f"{provider}/{MODELS[provider]}"


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def chunks_of(text: str) -> list[dict[str, Any]]:
    data = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    return [json.loads(one) for one in data]


def test_json_and_stream_are_openais_and_cost_the_same(
    gateway: UvicornServer, simulated: SimulatedProvider, provider: str
) -> None:
    simulated.clear()
    answer = ask(gateway.url, "Hello", model=name_of(provider))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    metadata = body.pop("_metadata")
    assert metadata["provider_used"] == provider
    assert metadata["cost_incurred"] > 0
    completion = ChatCompletion.model_validate(body, strict=True)
    assert completion.choices[0].finish_reason == "stop"

    streamed = ask(
        gateway.url,
        "Hello",
        model=name_of(provider),
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = chunks_of(streamed.text)
    assert last["_metadata"]["cost_incurred"] == metadata["cost_incurred"]
    parsed = [ChatCompletionChunk.model_validate(one) for one in chunks]
    said = "".join(one.choices[0].delta.content or "" for one in parsed if one.choices)
    assert said == completion.choices[0].message.content
    paths = {call["path"] for call in simulated.calls()}
    (path,) = paths
    assert path.endswith("/messages" if provider == "anthropic" else "/chat/completions")


def test_a_tool_is_called_and_its_result_sent_back(gateway: UvicornServer, provider: str) -> None:
    question = {"role": "user", "content": "Please call tool now"}
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="test-user-token") as client:
        called = client.chat.completions.create(
            model=name_of(provider),
            messages=[question],  # type: ignore[list-item]
            tools=TOOLS,  # type: ignore[arg-type]
        )
        assert called.choices[0].finish_reason == "tool_calls"
        (call,) = called.choices[0].message.tool_calls or ()
        assert call.type == "function"
        assert call.function.name == "look_up"
        assert isinstance(json.loads(call.function.arguments), dict)
        result = {"role": "tool", "tool_call_id": call.id, "content": "42"}
        answered = client.chat.completions.create(
            model=name_of(provider),
            messages=[question, called.choices[0].message, result],  # type: ignore[list-item]
            tools=TOOLS,  # type: ignore[arg-type]
        )
    assert answered.choices[0].message.role == "assistant"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["openai", "groq", "google"])
def test_a_refusal_is_openais_error(gateway: UvicornServer, provider: str, stream: bool) -> None:
    """Not through Anthropic: the field that asks for the fault is refused before it is sent."""
    answer = ask(gateway.url, model=name_of(provider), stream=stream, simulate="status-400")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "provider_refused_request"
    assert "simulated" not in error["message"]


def test_what_anthropic_cannot_honour_is_refused_by_name_or_dropped_and_named(
    gateway: UvicornServer,
) -> None:
    refused = ask(gateway.url, model=name_of("anthropic"), n=2)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "n"
    assert refused.json()["error"]["code"] == "unsupported_parameter"
    dropped = ask(gateway.url, model=name_of("anthropic"), n=2, seed=7, drop_params=True)
    assert dropped.status_code == 200
    assert set(dropped.json()["_metadata"]["dropped_params"]) == {"n", "seed"}
    passed = ask(gateway.url, model=name_of("openai"), seed=7)
    assert passed.json()["_metadata"]["dropped_params"] == []
