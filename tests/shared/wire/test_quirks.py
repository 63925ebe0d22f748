"""Laws of what goes out to an OpenAI-compatible provider."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.chat.write import write_request
from shared.wire.key_format import looks_like_key_of
from shared.wire.provider import Auth
from shared.wire.providers import KNOWN, provider_of
from shared.wire.quirks import COMPATIBLE, Quirks
from shared.wire.request_headers import request_headers
from shared.wire.translated import Sending

MESSAGES = [{"role": "user", "content": "Hello"}]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
EVERYONE = [*KNOWN, "a-server-of-ones-own"]
OPEN = [slug for slug in EVERYONE if provider_of(slug).quirks.only is None]
"""Who is sent fields that nobody here knows."""

KEYS = {
    "openai": "sk-proj-" + "a" * 40,
    "anthropic": "sk-ant-api03-" + "g" * 80,
    "google": "AIza" + "b" * 35,
    "groq": "gsk_" + "c" * 52,
    "fireworks": "fw_" + "d" * 24,
    "together": "tgp_v1_" + "e" * 43,
    "openrouter": "sk-or-v1-" + "f" * 64,
}


def quirks_of(slug: str) -> Quirks:
    return provider_of(slug).quirks


def sent(slug: str, /, **fields: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What goes out for a request with these fields, and what was dropped."""
    chat = decode_chat(json.dumps({"messages": MESSAGES, **fields}).encode())
    translated = write_request(chat, Sending("m"), quirks=quirks_of(slug))
    return json.loads(translated.body), translated.dropped


def test_a_server_without_a_file_of_its_own_is_held_to_what_compatible_ones_take() -> None:
    assert quirks_of("a-server-of-ones-own") is COMPATIBLE


@pytest.mark.parametrize("slug", EVERYONE)
def test_a_temperature_of_zero_arrives_as_zero(slug: str) -> None:
    assert sent(slug, temperature=0)[0]["temperature"] == 0


@pytest.mark.parametrize("slug", OPEN)
@given(
    st.dictionaries(
        st.from_regex(r"x_[a-z]{1,8}", fullmatch=True),
        st.recursive(
            SCALARS,
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_unknown_fields_arrive_unchanged(slug: str, fields: dict[str, Any]) -> None:
    body, dropped = sent(slug, **fields)
    assert {name: body[name] for name in fields} == fields
    assert dropped == ()


@pytest.mark.parametrize("slug", OPEN)
def test_a_number_of_the_future_arrives_byte_for_byte_and_a_repeated_key_once(slug: str) -> None:
    raw = b'{"messages":[{"role":"user"}],"top_p":1,"later":1.10,"top_p":2,"wide":[1e400]}'
    body = write_request(decode_chat(raw), Sending("m"), quirks=quirks_of(slug)).body
    assert b'"later":1.10' in body
    assert b'"wide":[1e400]' in body
    assert body.count(b'"top_p"') == 1
    assert json.loads(body)["top_p"] == 2


@pytest.mark.parametrize("slug", EVERYONE)
def test_what_openai_defines_and_nobody_refuses_passes_through(slug: str) -> None:
    fields: dict[str, object] = {
        "seed": 7,
        "stop": ["a"],
        "top_p": 0.5,
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "parallel_tool_calls": True,
        "modalities": ["text"],
        "reasoning_effort": "low",
    }
    renamed, unknown = quirks_of(slug).renamed, quirks_of(slug).dropped
    fields = {name: value for name, value in fields.items() if name not in unknown}
    body, dropped = sent(slug, **fields)
    assert {name: body[renamed.get(name, name)] for name in fields} == fields
    assert dropped == ()


# A value of each refused field that asks for something, and one that asks for nothing.
ASKING: dict[str, tuple[object, object]] = {
    "frequency_penalty": (0.5, 0),
    "logprobs": (True, False),
    "top_logprobs": (3, 0),
    "logit_bias": ({"50256": -100}, {}),
    "n": (2, 1),
    "top_k": (5, None),
}
REFUSED = [(slug, name) for slug, one in KNOWN.items() for name in one.quirks.refused]


def test_what_google_and_groq_refuse() -> None:
    assert set(REFUSED) >= {
        ("google", "frequency_penalty"),
        *(("groq", name) for name in ("logprobs", "top_logprobs", "logit_bias", "n")),
    }


@pytest.mark.parametrize(("slug", "name"), REFUSED)
def test_a_field_the_provider_refuses_is_refused_by_name_dropped_on_wish_or_harmless(
    slug: str, name: str
) -> None:
    value, neutral = ASKING[name]
    with pytest.raises(InvalidField, match=name) as caught:
        sent(slug, **{name: value})
    assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")
    body, dropped = sent(slug, **{name: value, "drop_params": True})
    assert name not in body
    assert dropped == (name,)
    for nothing in (neutral, None):
        body, dropped = sent(slug, **{name: nothing})
        assert name not in body
        assert dropped == ()


@pytest.mark.parametrize("slug", list(KNOWN))
def test_hints_a_provider_does_not_know_are_dropped_and_named(slug: str) -> None:
    row = quirks_of(slug)
    body, dropped = sent(slug, **dict.fromkeys(row.dropped, "x"))
    assert row.dropped.isdisjoint(body)
    assert set(dropped) == row.dropped


@pytest.mark.parametrize("slug", EVERYONE)
@pytest.mark.parametrize("nothing", [[], None])
def test_no_tools_are_not_sent_as_an_empty_list(slug: str, nothing: object) -> None:
    body, dropped = sent(slug, tools=nothing, tool_choice="auto", parallel_tool_calls=True)
    assert ({"tools", "tool_choice", "parallel_tool_calls"} & body.keys(), dropped) == (set(), ())


def test_a_name_in_a_message_is_left_out_where_it_is_not_known_and_named() -> None:
    messages = [{"role": "system", "content": "name"}, {"role": "user", "name": "eve"}]
    body, dropped = sent("groq", messages=messages)
    assert body["messages"] == [{"role": "system", "content": "name"}, {"role": "user"}]
    assert dropped == ("messages[1].name",)
    assert sent("openai", messages=messages)[0]["messages"] == messages


@pytest.mark.parametrize(
    ("slug", "fields", "expected", "dropped"),
    [
        ("openai", {"max_tokens": 5}, {"max_completion_tokens": 5}, ()),
        ("openai", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}, ()),
        (
            "openai",
            {"max_tokens": 5, "max_completion_tokens": 6},
            {"max_completion_tokens": 6},
            ("max_tokens",),
        ),
        (
            "together",
            {"max_tokens": 5, "max_completion_tokens": 6},
            {"max_tokens": 6},
            ("max_tokens",),
        ),
        ("together", {"max_completion_tokens": 6}, {"max_tokens": 6}, ()),
        ("together", {"max_tokens": 5, "max_completion_tokens": None}, {"max_tokens": 5}, ()),
        ("ollama", {"max_completion_tokens": 6}, {"max_tokens": 6}, ()),
        ("groq", {"max_tokens": 5}, {"max_tokens": 5}, ()),
    ],
)
def test_the_limit_goes_out_once_under_the_name_the_provider_knows(
    slug: str, fields: dict[str, Any], expected: dict[str, int], dropped: tuple[str, ...]
) -> None:
    body, named = sent(slug, **fields)
    assert {name: value for name, value in body.items() if name.startswith("max_")} == expected
    assert named == dropped


def test_a_power_levels_limit_has_the_providers_name_too() -> None:
    chat = decode_chat(json.dumps({"messages": MESSAGES}).encode())
    translated = write_request(chat, Sending("m", max_tokens=9), quirks=quirks_of("together"))
    assert json.loads(translated.body)["max_tokens"] == 9


@pytest.mark.parametrize("slug", EVERYONE)
def test_usage_is_asked_for_in_every_stream_of_who_can_be_asked(slug: str) -> None:
    asked = sent(slug, stream=True)[0].get("stream_options")
    assert asked == ({"include_usage": True} if quirks_of(slug).takes_stream_options else None)


def test_a_server_without_stream_options_gets_none_and_the_clients_are_named() -> None:
    chat = decode_chat(
        json.dumps({"messages": MESSAGES, "stream": True, "stream_options": {}}).encode()
    )
    translated = write_request(chat, Sending("m"), quirks=Quirks(takes_stream_options=False))
    assert "stream_options" not in json.loads(translated.body)
    assert translated.dropped == ("stream_options",)


def test_the_key_is_where_the_provider_wants_it_and_extra_headers_are_lines() -> None:
    head = request_headers("k", auth=Auth.X_API_KEY, more=b"x-title: t\r\n")
    lines = head.split(b"\r\n")
    assert b"x-api-key: k" in lines
    assert b"x-title: t" in lines
    assert not any(line.startswith(b"authorization") for line in lines)
    assert b"authorization: Bearer k" in request_headers("k").split(b"\r\n")
    assert head.endswith(b"\r\n")


@pytest.mark.parametrize("slug", list(KEYS))
def test_a_key_looks_like_its_own_providers_and_no_other(slug: str) -> None:
    assert {one for one in KEYS if looks_like_key_of(one, KEYS[slug])} == {slug}
    assert not looks_like_key_of(slug, KEYS[slug][:10])


def test_the_quirks_of_another_provider_are_one_value() -> None:
    row = Quirks(refused={"n": frozenset({b"1"})}, dropped=frozenset({"store"}))
    chat = decode_chat(json.dumps({"messages": MESSAGES, "n": 1, "store": True}).encode())
    translated = write_request(chat, Sending("m"), quirks=row)
    assert msgspec.json.decode(translated.body) == {"messages": MESSAGES, "model": "m"}
    assert translated.dropped == ("store",)
