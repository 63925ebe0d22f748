"""Which functions are called, and with what: the same on both wires, in JSON and in a stream."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema
import msgspec
import pytest

from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import decode
from functions.simulated_provider.tool_choice import functions_to_call

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "unit": {"enum": ["c", "f"]},
    },
    "required": ["city", "days", "unit"],
}
SCHEMAS: dict[str, Any] = {"weather": WEATHER, "people": {"type": "object"}, "final": {}}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": schema}}
    for name, schema in SCHEMAS.items()
]
AUTO, REQUIRED = "auto", "required"


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def called(*names: str) -> list[dict[str, Any]]:
    """What an agent sends back after these were called one by one."""
    return [
        message
        for n, name in enumerate(names)
        for message in (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": f"call_{n}",
                        "type": "function",
                        "function": {"name": name, "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": f"call_{n}", "content": "call tool"},
        )
    ]


@pytest.mark.parametrize(
    ("said", "after", "choice", "parallel", "expected"),
    [
        ("hello", [], AUTO, None, []),
        ("call tool", [], None, None, ["weather"]),
        ("call two tools", [], AUTO, None, ["weather", "final"]),
        ("call two tools", [], AUTO, False, ["weather"]),
        ("call tool", [], "none", None, []),
        ("hello", [], REQUIRED, None, ["weather"]),
        ("call two tools", [], REQUIRED, True, ["weather", "final"]),
        ("hello", [], named("people"), None, ["people"]),
        ("call two tools", [], named("people"), None, ["people"]),
        ("hello", [], allowed("required", "people", "final"), None, ["people"]),
        ("hello", [], allowed("auto", "people"), None, []),
        ("call tool", [], allowed("auto", "people"), None, ["people"]),
        ("call tool", called("weather"), AUTO, None, []),
        ("hello", called("weather"), REQUIRED, None, ["people"]),
        ("hello", called("weather", "people"), REQUIRED, None, ["final"]),
        ("hello", called("weather", "people", "final"), REQUIRED, None, ["final"]),
        ("hello", called("people"), named("people"), None, ["people"]),
    ],
)
def test_the_functions_called_are_those_that_were_asked_for(
    said: str, after: list[Any], choice: Any, parallel: bool | None, expected: list[str]
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": said}, *after], "tools": TOOLS}
    fields = {"tool_choice": choice, "parallel_tool_calls": parallel}
    request = decode(msgspec.json.encode(body | fields))
    assert [one.name for one in functions_to_call(request)] == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": "always", "tools": TOOLS}, "tool_choice"),
        ({"tool_choice": named("nobody"), "tools": TOOLS}, "tool_choice"),
        ({"tool_choice": allowed("auto", "nobody"), "tools": TOOLS}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ],
)
def test_a_choice_or_format_that_cannot_be_met_is_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}
    with pytest.raises(Refused) as caught:
        decode(msgspec.json.encode(body))
    assert (caught.value.status, caught.value.param) == (400, param)


def ask(client: httpx.Client, *, stream: bool, **fields: Any) -> tuple[str, list[Any], str]:
    """The text, the arguments of each call and the reason."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    answer = client.post("/chat/completions", json=body | fields).raise_for_status()
    if not stream:
        choice = answer.json()["choices"][0]
        calls = choice["message"].get("tool_calls", ())
        arguments = [msgspec.json.decode(one["function"]["arguments"]) for one in calls]
        return choice["message"]["content"] or "", arguments, choice["finish_reason"]
    text, parts, reason = "", dict[int, str](), ""
    for line in answer.text.split("\n\n")[:-2]:
        choice = msgspec.json.decode(line.removeprefix("data: "))["choices"][0]
        text += choice["delta"].get("content") or ""
        for call in choice["delta"].get("tool_calls", ()):
            parts[call["index"]] = parts.get(call["index"], "") + call["function"]["arguments"]
        reason = choice["finish_reason"] or reason
    return text, [msgspec.json.decode(part) for part in parts.values()], reason


@pytest.mark.parametrize("stream", [False, True])
def test_arguments_fit_the_functions_parameters(client: httpx.Client, stream: bool) -> None:
    text, (arguments,), reason = ask(client, stream=stream, tools=TOOLS, tool_choice=REQUIRED)
    jsonschema.validate(arguments, WEATHER)
    assert (text, reason) == ("", "tool_calls")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("schema", [WEATHER, None])
def test_a_format_is_answered_with_what_fits_it(
    client: httpx.Client, schema: Any, stream: bool
) -> None:
    wanted: dict[str, Any] = {"type": "json_object"}
    if schema is not None:
        wanted = {"type": "json_schema", "json_schema": {"name": "w", "schema": schema}}
    text, calls, reason = ask(client, stream=stream, response_format=wanted)
    jsonschema.validate(msgspec.json.decode(text), schema or {"type": "object"})
    assert (calls, reason) == ([], "stop")


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "any"}, "weather"),
        ({"type": "tool", "name": "people"}, "people"),
        ({"type": "auto"}, None),
        ({"type": "none"}, None),
    ],
)
def test_anthropics_choice_is_kept_to_as_well(
    anthropic: httpx.Client, choice: dict[str, Any], name: str | None
) -> None:
    tools = [
        {"name": key, "input_schema": {"type": "object", **one}} for key, one in SCHEMAS.items()
    ]
    messages = [{"role": "user", "content": "hello"}]
    body = {"model": "m", "max_tokens": 99, "messages": messages}
    said = anthropic.post("/messages", json=body | {"tools": tools, "tool_choice": choice}).json()
    (block,) = said["content"]
    assert block.get("name") == name
    if name == "weather":
        jsonschema.validate(block["input"], WEATHER)


def test_anthropics_format_is_answered_with_what_fits_it(anthropic: httpx.Client) -> None:
    messages = [{"role": "user", "content": "hello"}]
    wanted = {"format": {"type": "json_schema", "schema": WEATHER}}
    body = {"model": "m", "max_tokens": 99, "messages": messages, "output_config": wanted}
    said = anthropic.post("/messages", json=body).json()
    jsonschema.validate(msgspec.json.decode(said["content"][0]["text"]), WEATHER)


@pytest.mark.parametrize("choice", [{"type": "always"}, {"type": "tool", "name": "nobody"}])
def test_a_choice_that_anthropic_does_not_know_is_refused(
    anthropic: httpx.Client, choice: dict[str, Any]
) -> None:
    tools = [{"name": "weather", "input_schema": WEATHER}]
    messages = [{"role": "user", "content": "hello"}]
    body = {"model": "m", "max_tokens": 99, "messages": messages, "tools": tools}
    answer = anthropic.post("/messages", json=body | {"tool_choice": choice})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("name", ["unknown-model", "vendor/nonexistent", "does-not-exist-1"])
def test_a_model_that_says_it_is_none_is_not_found(
    client: httpx.Client, anthropic: httpx.Client, name: str
) -> None:
    messages = [{"role": "user", "content": "hello"}]
    answer = client.post("/chat/completions", json={"model": name, "messages": messages})
    assert answer.status_code == client.get(f"/models/{name}").status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    body = {"model": name, "messages": messages, "max_tokens": 9}
    other = anthropic.post("/messages", json=body)
    assert (other.status_code, other.json()["error"]["type"]) == (404, "not_found_error")
