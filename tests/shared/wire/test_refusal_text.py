"""Laws of the cleaner: nothing that must not be told passes, and what helps a reader does."""

from __future__ import annotations

import base64
import re
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.wire.refusal_text import MAX_LENGTH, clean_text

BASE62 = string.ascii_letters + string.digits


def text_of(alphabet: str, low: int, high: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=low, max_size=high)


def is_mixed(text: str) -> bool:
    return any(one.isdigit() for one in text) and any(one.isalpha() for one in text)


KEYS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(
            [
                "sk-",
                "sk-proj-",
                "sk-ant-api03-",
                "sk-or-v1-",
                "gsk_",
                "AIza",
                "AQ.",
                "fw_",
                "tgp_v1_",
                "xai-",
                "hf_",
                "ghp_",
                "github_pat_",
                "glpat-",
                "xoxb-",
                "AKIA",
                "sy_",
            ]
        ),
        text_of(BASE62 + "-_", 16, 80),
    ),
)
TOKENS = st.one_of(
    text_of(BASE62, 20, 64).filter(is_mixed),
    st.binary(min_size=24, max_size=48).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.binary(min_size=24, max_size=48).map(lambda raw: base64.b64encode(raw).decode()),
    st.binary(min_size=16, max_size=32).map(bytes.hex).filter(is_mixed),
    st.uuids().map(str),
    st.builds(
        lambda *parts: ".".join(("eyJ" + parts[0], *parts[1:])),
        *(text_of(BASE62 + "-_", 20, 60) for _ in range(3)),
    ),
)
LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
HOSTS = st.builds(
    lambda labels, end: ".".join((*labels, end)),
    st.lists(LABELS, min_size=1, max_size=4),
    st.sampled_from(
        ["com", "io", "internal", "svc.cluster.local", "corp", "eu-west-1", "xn--p1ai"]
    ),
)
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(10, 65535)),
    HOSTS,
    st.builds("{}:{}".format, HOSTS, st.integers(10, 65535)),
    st.builds("{}:{}".format, LABELS, st.integers(10, 65535)),
    st.builds("{}://{}/{}?key={}".format, st.sampled_from(["http", "wss"]), HOSTS, LABELS, LABELS),
    st.builds("{}@{}".format, LABELS, HOSTS),
)
PATHS = st.one_of(
    st.lists(LABELS, min_size=2, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    st.lists(LABELS, min_size=2, max_size=5).map(lambda parts: "C:\\" + "\\".join(parts)),
    st.lists(LABELS, min_size=1, max_size=4).map(lambda parts: "~/" + "/".join(parts)),
)
CANARIES = st.one_of(KEYS, TOKENS, ADDRESSES, PATHS)
AROUND = st.sampled_from(
    [
        "{}",
        "Invalid '{}'.",
        "cannot use {}: try again",
        'said "{}"',
        "({})",
        "[{}]",
        "at {}, line 3",
        "x={}",
        "`{}`!",
        "<{}>",
        "{}\x1b[31m",
        "a\u202e{}",
        "{};{}",
        "'{}','{}'",
    ]
)


@given(canary=CANARIES, around=AROUND)
@settings(max_examples=1500)
def test_no_canary_passes(canary: str, around: str) -> None:
    assert canary not in clean_text(around.replace("{}", canary))


# One without a digit cannot be told from words that hyphens join.
@given(secret=st.one_of(KEYS, TOKENS).filter(lambda one: re.search("[0-9]", one)), around=AROUND)
@settings(max_examples=500)
def test_no_half_of_a_secret_passes(secret: str, around: str) -> None:
    cleaned = clean_text(around.replace("{}", secret))
    half = len(secret) // 2
    assert not any(
        secret[at : at + half] in cleaned for at in range(len(secret) - half) if half >= 8
    )


@given(
    secret=st.text(min_size=4, max_size=40).filter(lambda text: text not in "[removed]"),
    around=AROUND,
)
def test_what_is_known_as_a_secret_passes_in_no_shape_or_coding(secret: str, around: str) -> None:
    coded = base64.b64encode(secret.encode()).decode()
    for form in (secret, quote(secret, safe=""), coded):
        assert form not in clean_text(around.replace("{}", form), [secret])


@given(text=st.text(alphabet=st.characters(), max_size=3000))
def test_what_comes_out_is_one_printable_line_of_bounded_length(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) <= MAX_LENGTH
    assert cleaned.isprintable()
    cleaned.encode()


@given(text=st.text(max_size=600))
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once


@given(key=KEYS, before=st.integers(0, 2100))
def test_a_key_at_the_cut_does_not_pass_in_part(key: str, before: int) -> None:
    assert key[:12] not in clean_text("word " * (before // 5) + "x" * (before % 5) + " " + key)


@pytest.mark.parametrize(
    "text",
    [
        "Invalid schema for function 'get_weather': In context=('properties', 'city'), 'type' is"
        " required.",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
        " 'max_completion_tokens' instead.",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in"
        " 130512 tokens (124000 in the messages, 6512 in the functions).",
        "supports at most 1 image per prompt",
        "messages.1.content.0.type: Input tag 'image_url' found using 'type' does not match any of"
        " the expected tags",
        "The model `claude-opus-4-5-20251101` does not exist",
        "meta-llama/Llama-3.3-70B-Instruct and openai/gpt-oss-120b do not support response_format.",
        "Invalid value: 'tools[0].function.parameters'. Use e.g. 'auto' or 'none'.",
        "tools.0.custom.input_schema: not valid under #/properties/city/anyOf/0",
        "temperature: range: 0..1, limit 2.5, 95 %",
        "模型不支持该参数: temperature",
    ],
)
def test_a_sentence_that_helps_passes_whole(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-abc***wxyz.",
        "Incorrect API key provided: ***mnop.",
        "Incorrect API key provided: sk-...mnop.",
        "Bearer mnop",
        "password=mnop",
        'api_key": "mnop"',
        "secret: mnop",
        "org-4mnop9 is not allowed",
    ],
)
def test_what_is_called_a_secret_or_is_half_hidden_goes(text: str) -> None:
    assert "mnop" not in clean_text(text)
