"""Laws of sending a chat completion request to Anthropic: headers, limits, parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.dialect import dialect_of
from shared.wire.messages.write import (
    PATH,
    Translated,
    write_request,
)
from shared.wire.provider import ANTHROPIC
from shared.wire.translated import Sending

HELLO = [{"role": "user", "content": "hello"}]
headers = dialect_of(ANTHROPIC, ANTHROPIC, "x-api-key").headers
MODEL = "claude-sonnet-4-6"
MOST = 128_000
"""What that model can answer."""


def translated(
    fields: dict[str, object],
    *,
    max_tokens: int | None = None,
) -> Translated:
    chat = decode_chat(json.dumps({"messages": HELLO, **fields}).encode())
    return write_request(chat, Sending(MODEL, max_tokens=max_tokens))


def sent(fields: dict[str, object], **defaults: Any) -> dict[str, Any]:
    return json.loads(translated(fields, **defaults).body)


def test_the_headers_are_anthropics() -> None:
    assert PATH == "/messages"
    lines = headers("sk-ant-api03-x").split(b"\r\n")
    assert lines[-1] == b""
    assert b"x-api-key: sk-ant-api03-x" in lines
    assert b"anthropic-version: 2023-06-01" in lines
    assert b"content-type: application/json" in lines
    assert b"x-api-key" not in headers(None)


@pytest.mark.parametrize("key", ["sk\r\nx-evil: 1", "sk\n", "schl\u00fcssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="cannot carry") as caught:
        headers(key)
    assert key not in str(caught.value)


def test_a_plain_request_has_what_anthropic_requires_and_nothing_else() -> None:
    request = translated({"model": "anthropic/x", "temperature": None, "n": 1, "stop": None})
    assert json.loads(request.body) == {
        "model": MODEL,
        "max_tokens": MOST,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
    }
    assert request.dropped == ()


@pytest.mark.parametrize(
    ("fields", "default", "limit"),
    [
        pytest.param({}, None, MOST, id="nobody said"),
        pytest.param({}, 300, 300, id="the power level said"),
        pytest.param({"max_tokens": 5}, 300, 5, id="the client said it the old way"),
        pytest.param({"max_completion_tokens": 7}, 300, 7, id="the client said it the new way"),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 10_000}},
            300,
            10_300,
            id="a default leaves room for the thinking asked for",
        ),
    ],
)
def test_max_tokens_is_always_sent(
    fields: dict[str, object], default: int | None, limit: int
) -> None:
    assert sent(fields, max_tokens=default)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"stop": "END"}, {"stop_sequences": ["END"]}, id="one stop"),
        pytest.param({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}, id="several stops"),
        pytest.param({"stream": True}, {"stream": True}, id="a stream"),
        pytest.param({"top_p": 0.9, "top_k": 5}, {"top_p": 0.9, "top_k": 5}, id="top_p and top_k"),
        pytest.param(
            {"reasoning_effort": "max"}, {"output_config": {"effort": "max"}}, id="an effort"
        ),
        pytest.param(
            {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}, id="no effort"
        ),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            id="thinking in Anthropic's own words",
        ),
        pytest.param(
            {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
            id="automatic caching",
        ),
        pytest.param({"user": "u-1"}, {"metadata": {"user_id": "u-1"}}, id="the user"),
        pytest.param(
            {"user": "u-1", "safety_identifier": "s-1"},
            {"metadata": {"user_id": "s-1"}},
            id="the safety identifier before the user it replaces",
        ),
        pytest.param(
            {"safety_identifier": "s-1", "user": "u-1"},
            {"metadata": {"user_id": "s-1"}},
            id="in whatever order they came",
        ),
        pytest.param({"service_tier": "auto"}, {"service_tier": "auto"}, id="tier auto"),
        pytest.param(
            {"service_tier": "default"}, {"service_tier": "standard_only"}, id="tier default"
        ),
        pytest.param({"response_format": {"type": "text"}}, {}, id="text, which is the default"),
    ],
)
def test_a_field_with_a_counterpart_arrives_under_its_name(
    fields: dict[str, object], expected: dict[str, object]
) -> None:
    plain = sent({})
    assert {k: v for k, v in sent(fields).items() if k not in plain} == expected
    assert translated(fields).dropped == ()


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_a_json_schema_becomes_the_output_format_and_stands_beside_an_effort() -> None:
    fields: dict[str, object] = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "person", "strict": True, "schema": SCHEMA},
        },
        "reasoning_effort": "high",
    }
    assert sent(fields)["output_config"] == {
        "format": {"type": "json_schema", "schema": SCHEMA},
        "effort": "high",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("seed", "store", "metadata", "prediction"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    ],
)
def test_a_hint_is_left_out_and_named(name: str) -> None:
    value = "key" if name == "prompt_cache_key" else {"a": 1}
    request = translated({name: value})
    assert request.dropped == (name,)
    assert set(json.loads(request.body)) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        pytest.param({"service_tier": "flex"}, "service_tier", id="a tier Anthropic lacks"),
        pytest.param({"user": "u" * 257}, "user", id="a user id over the limit"),
        pytest.param({"user": "ann@example.com"}, "user", id="an e-mail address"),
        pytest.param({"user": "+49-30-1234567"}, "user", id="a telephone number"),
        pytest.param({"user": "Ann Lee"}, "user", id="a name"),
    ],
)
def test_a_hint_that_does_not_fit_is_left_out_and_named(
    fields: dict[str, object], dropped: str
) -> None:
    assert translated(fields).dropped == (dropped,)


REFUSED: list[tuple[str, object]] = [
    ("n", 2),
    ("logprobs", True),
    ("top_logprobs", 3),
    ("logit_bias", {"50256": -100}),
    ("frequency_penalty", 0.5),
    ("presence_penalty", -0.5),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("modalities", ["text", "audio"]),
    ("web_search_options", {}),
    ("functions", [{"name": "f"}]),
    ("function_call", {"name": "f"}),
    ("response_format", {"type": "json_object"}),
    ("temperature", 1.5),
    ("stop", ["\n"]),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {}}),
    ("a_field_of_next_year", 1),
    ("output_config", {"effort": "max"}),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_field_that_would_change_the_answer_is_refused_by_its_name(
    name: str, value: object
) -> None:
    with pytest.raises(InvalidField) as caught:
        translated({name: value})
    assert caught.value.param == name
    assert caught.value.code == "unsupported_parameter"
    assert "drop_params" in caught.value.message


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_the_same_field_is_dropped_and_named_where_the_caller_says_so(
    name: str, value: object
) -> None:
    request = translated({name: value, "drop_params": True})
    assert request.dropped == (name,)
    assert set(json.loads(request.body)) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"logprobs": False},
        {"logit_bias": {}},
        {"frequency_penalty": 0},
        {"presence_penalty": 0.0},
        {"modalities": ["text"]},
        {"verbosity": "medium"},
        {"audio": None},
        {"a_field_of_next_year": None},
        {"stream_options": {"include_usage": True}},
    ],
)
def test_a_field_that_asks_for_nothing_is_no_reason_to_refuse(fields: dict[str, object]) -> None:
    request = translated(fields)
    assert request.dropped == ()
    assert set(json.loads(request.body)) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"stop": 3}, "stop", id="a stop that is a number"),
        pytest.param({"temperature": "hot"}, "temperature", id="a temperature in words"),
        pytest.param({"temperature": -1}, "temperature", id="a negative temperature"),
        pytest.param({"reasoning_effort": 3}, "reasoning_effort", id="an effort of 3"),
        pytest.param(
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema.schema",
            id="a json_schema without its schema",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_whatever_drop_params_says(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        translated({**fields, "drop_params": True})
    assert caught.value.param == param
    assert caught.value.code != "unsupported_parameter"


def test_a_number_that_no_float_can_hold_is_refused_by_its_name() -> None:
    body = b'{"messages":[{"role":"user","content":"x"}],"n":1e999}'
    with pytest.raises(InvalidField) as caught:
        write_request(decode_chat(body), Sending(MODEL))
    assert caught.value.param == "n"
