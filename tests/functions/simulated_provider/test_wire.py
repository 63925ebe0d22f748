from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.uvicorn_server import UvicornServer

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "weather", "parameters": {}}}
]


def body(text: str = "hello there", **fields: Any) -> dict[str, Any]:
    return {"model": "some-model", "messages": [{"role": "user", "content": text}]} | fields


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The stream's events but `[DONE]`, which must be the last."""
    lines = answer.text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [msgspec.json.decode(line.removeprefix("data: ")) for line in lines[:-2]]


def test_a_json_answer_has_openais_fields(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=body())
    said = answer.json()
    assert said["id"].startswith("chatcmpl-sim-")
    assert (said["object"], said["model"]) == ("chat.completion", "some-model")
    assert said["system_fingerprint"] == "simulated"
    (choice,) = said["choices"]
    text = choice["message"]["content"]
    assert text.endswith("You asked: hello there")
    assert choice["finish_reason"] == "stop"
    usage = said["usage"]
    assert usage["prompt_tokens"] == 3 + 4
    assert usage["completion_tokens"] == -(-len(text) // 4)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_every_answer_has_an_id(client: httpx.Client) -> None:
    first, second = (client.post("/chat/completions", json=body(stream=s)) for s in (False, True))
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert client.get("/nowhere").headers["x-request-id"]


def test_a_stream_is_role_words_reason_done_and_says_what_json_says(client: httpx.Client) -> None:
    said = events(client.post("/chat/completions", json=body(stream=True)))
    whole = client.post("/chat/completions", json=body()).json()["choices"][0]["message"]["content"]
    deltas = [event["choices"][0]["delta"] for event in said]
    reasons = [event["choices"][0]["finish_reason"] for event in said]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == whole
    assert len(deltas) == len(whole.split()) + 2
    assert reasons == [None] * (len(said) - 1) + ["stop"]
    assert len({(event["id"], event["created"], event["object"]) for event in said}) == 1


def test_usage_is_in_a_stream_only_when_asked_for_and_then_last(client: httpx.Client) -> None:
    unasked = events(client.post("/chat/completions", json=body(stream=True)))
    assert not any("usage" in event for event in unasked)
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    *others, last = events(client.post("/chat/completions", json=body(**options)))
    assert [event["usage"] for event in others] == [None] * len(unasked)
    assert last["choices"] == []
    assert last["usage"] == client.post("/chat/completions", json=body()).json()["usage"]


def test_a_limit_shortens_stream_and_json_alike(client: httpx.Client) -> None:
    said = client.post("/chat/completions", json=body(max_tokens=3)).json()
    assert said["choices"][0]["message"]["content"] == "This is a si"
    assert said["choices"][0]["finish_reason"] == "length"
    assert said["usage"]["completion_tokens"] == 3
    stream = events(client.post("/chat/completions", json=body(max_tokens=3, stream=True)))
    assert stream[-1]["choices"][0]["finish_reason"] == "length"
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in stream) == "This is a si"


def test_a_tool_call_is_the_same_in_json_and_stream(client: httpx.Client) -> None:
    asked = body("call tool", tools=TOOLS)
    choice = client.post("/chat/completions", json=asked).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")
    function = choice["message"]["tool_calls"][0]["function"]
    stream = events(client.post("/chat/completions", json=asked | {"stream": True}))
    calls = [e["choices"][0]["delta"]["tool_calls"][0] for e in stream[:-1]]
    assert calls[0]["function"]["name"] == function["name"] == "weather"
    assert "".join(call["function"]["arguments"] for call in calls) == function["arguments"]
    assert stream[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_models_are_listed_and_any_name_is_one(client: httpx.Client) -> None:
    listed = client.get("/models").json()
    assert listed["object"] == "list"
    assert all(model["object"] == "model" for model in listed["data"])
    assert client.get("/models/vendor/a%2Fb").json()["id"] == "vendor/a/b"


def test_key_info_names_the_key_by_its_end(client: httpx.Client) -> None:
    assert client.get("/key").json()["data"]["label"].endswith("7890")


@pytest.mark.parametrize("prefix", ["", "/openai/v1", "/google/v1beta/openai", "/models/x/v1"])
def test_any_prefix_serves(client: httpx.Client, provider: UvicornServer, prefix: str) -> None:
    answer = client.post(f"{provider.url}{prefix}/chat/completions", json=body())
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer sk-invalid-1"}, "invalid_api_key"),
        ({"x-api-key": "invalid"}, "invalid_api_key"),
    ],
)
@pytest.mark.parametrize("path", ["chat/completions", "models", "models/m", "key"])
def test_without_a_good_key_the_answer_is_401(
    provider: UvicornServer, path: str, headers: dict[str, str], code: str | None
) -> None:
    method = "POST" if path == "chat/completions" else "GET"
    url = f"{provider.url}/v1/{path}"
    answer = httpx.request(method, url, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code


def test_an_x_api_key_will_do(provider: UvicornServer) -> None:
    answer = httpx.get(f"{provider.url}/models", headers={"x-api-key": "k"}, trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/nowhere", "", 404),
        ("POST", "/completions", "{}", 404),
        ("GET", "/chat/completions", "", 405),
        ("POST", "/models", "", 405),
        ("POST", "/chat/completions", "{", 400),
        ("POST", "/chat/completions", '{"model":"m","messages":[]}', 400),
    ],
)
def test_every_refusal_has_openais_shape(
    client: httpx.Client, method: str, path: str, content: str, status: int
) -> None:
    answer = client.request(method, path, content=content)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert ("allow" in answer.headers) == (status == 405)
