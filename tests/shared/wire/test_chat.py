"""Laws of reading a chat request."""

from __future__ import annotations

import json

import pytest

from shared.errors import InvalidField, MalformedBody
from shared.wire.chat.request import decode_chat
from shared.wire.chat.write import write_request
from shared.wire.request_headers import request_headers
from shared.wire.translated import Sending

HELLO = [{"role": "user", "content": "hello"}]


def body(**fields: object) -> bytes:
    return json.dumps({"messages": HELLO, **fields}).encode()


def sent(raw: bytes, **defaults: object) -> dict[str, object]:
    return json.loads(write_request(decode_chat(raw), Sending("upstream-id", **defaults)).body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"", "invalid_json", id="an empty body is refused"),
        pytest.param(b"{", "invalid_json", id="a cut body is refused"),
        pytest.param(b"[]", "invalid_json", id="an array is refused"),
        pytest.param(b'"text"', "invalid_json", id="a string is refused"),
        pytest.param(b'{"messages": NaN}', "invalid_json", id="NaN is not JSON"),
        pytest.param(b'{"a":"\xff\xfe"}', "invalid_utf8", id="bytes that are no UTF-8"),
        pytest.param(
            b"{" + b",".join(b'"k%d":1' % number for number in range(1001)) + b"}",
            "json_too_large",
            id="1,001 fields",
        ),
        pytest.param(b"[" * 1200 + b"]" * 1200, "json_too_deep", id="1,200 levels are refused"),
        pytest.param(
            b'{"messages":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "json_too_deep",
            id="100,000 levels in an unknown field are refused",
        ),
    ],
)
def test_a_malformed_body_is_refused_with_its_code(raw: bytes, code: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        decode_chat(raw)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        pytest.param(b"{}", "messages", id="missing messages"),
        pytest.param(b'{"messages":null}', "messages", id="null messages"),
        pytest.param(b'{"messages":"hi"}', "messages", id="messages of the wrong type"),
        pytest.param(b'{"messages":[]}', "messages", id="no message"),
        pytest.param(b'{"messages":[1]}', "messages[0]", id="a message that is a number"),
        pytest.param(b'{"messages":[{"content":"x"}]}', "messages[0]", id="a message without role"),
        pytest.param(b'{"messages":[{"role":3}]}', "messages[0].role", id="a role of 3"),
        pytest.param(
            b'{"messages":[{"role":"user","content":7}]}',
            "messages[0].content",
            id="content that is a number",
        ),
        pytest.param(body(model=3), "model", id="a model that is a number"),
        pytest.param(body(stream="yes"), "stream", id="a stream flag that is text"),
        pytest.param(body(max_tokens="many"), "max_tokens", id="max_tokens that is text"),
        pytest.param(body(max_tokens=0), "max_tokens", id="max_tokens of zero"),
        pytest.param(body(models="a"), "models", id="models that is no list"),
        pytest.param(body(tools={}), "tools", id="tools that is no list"),
        pytest.param(body(stream_options=1), "stream_options", id="stream_options of 1"),
        pytest.param(body(drop_params="yes"), "drop_params", id="a drop_params that is text"),
        pytest.param(body(api_base="http://evil"), "api_base", id="a field that steers: api_base"),
        pytest.param(body(base_url="http://evil"), "base_url", id="a field that steers: base_url"),
        pytest.param(body(api_key="sk"), "api_key", id="a field that steers: api_key"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(raw: bytes, param: str) -> None:
    with pytest.raises(InvalidField) as caught:
        decode_chat(raw)
    assert caught.value.param == param


def test_a_key_that_came_twice_goes_out_once_and_the_last_one_wins() -> None:
    raw = b'{"messages":[{"role":"user"}],"model":"a","mod\\u0065l":"b","seed":1,"seed":2}'
    out = write_request(decode_chat(raw), Sending("upstream-id")).body
    assert out.count(b'"model"') == 1
    assert out.count(b'"seed"') == 1
    assert json.loads(out)["seed"] == 2
    assert decode_chat(raw).model == "b"


def test_unknown_fields_arrive_byte_for_byte() -> None:
    raw = b'{"messages":[{"role":"user","content":"x"}],"future":{"a":1.10,"b":[1e400]}}'
    assert b'"future":{"a":1.10,"b":[1e400]}' in write_request(decode_chat(raw), Sending("m")).body


def test_our_own_fields_never_go_upstream() -> None:
    fields = sent(
        body(
            power_level="eco",
            task_type="code",
            models=["a"],
            max_cost_usd=0.1,
            drop_params=True,
            user="u",
        )
    )
    assert set(fields) == {"messages", "model", "user"}


def test_fields_are_dropped_only_where_the_caller_says_so() -> None:
    assert decode_chat(body(drop_params=True)).drop_params
    assert not decode_chat(body(drop_params=None)).drop_params
    assert not decode_chat(body()).drop_params


@pytest.mark.parametrize("temperature", [0, 0.0, 1.5])
def test_the_clients_temperature_wins_over_the_default_even_when_it_is_zero(
    temperature: float,
) -> None:
    assert sent(body(temperature=temperature), temperature=0.7)["temperature"] == temperature


def test_defaults_fill_in_only_what_the_client_left_out() -> None:
    filled = sent(body(), temperature=0.7, max_tokens=100)
    assert (filled["temperature"], filled["max_completion_tokens"]) == (0.7, 100)
    kept = sent(body(max_tokens=5), max_tokens=100)
    assert kept["max_tokens"] == 5
    assert "max_completion_tokens" not in kept


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
def test_a_stream_always_asks_for_usage_upstream(
    options: dict[str, bool] | None, expected: dict[str, bool]
) -> None:
    assert sent(body(stream=True, stream_options=options))["stream_options"] == expected


def test_what_the_router_reads_is_read() -> None:
    chat = decode_chat(
        json.dumps(
            {
                "model": "gpt",
                "stream": True,
                "stream_options": {"include_usage": True},
                "tools": [{"type": "function"}],
                "response_format": {"type": "json_schema"},
                "max_completion_tokens": 7,
                "max_tokens": 9,
                "prompt_cache_key": "session-1",
                "messages": [{"role": "user", "content": [{"type": "image_url"}]}],
            }
        ).encode()
    )
    assert chat.wants_tools
    assert chat.prompt.images == 1
    assert chat.wants_json
    assert chat.wants_schema
    assert chat.include_usage
    assert chat.max_tokens == 7
    assert chat.session == "session-1"


@pytest.mark.parametrize("key", ["sk-a\r\nx-evil: 1", "sk-\u00e9", "sk-\x00"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="cannot carry") as caught:
        request_headers(key)
    assert key not in str(caught.value)
