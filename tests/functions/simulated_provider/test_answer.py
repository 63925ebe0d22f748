from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.simulated_provider.answer import Answer, answer, pieces, tokens
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest, decode

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "weather", "parameters": {}}}
]


def request(text: Any = "hello", **fields: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]} | fields
    return decode(msgspec.json.encode(body))


def called(made: Answer) -> list[str]:
    return [one.name for one in made.calls]


@given(TEXTS)
def test_a_text_is_a_token_for_every_four_bytes_begun(text: str) -> None:
    assert tokens(text) == math.ceil(len(text.encode()) / 4)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_prompt_is_its_messages_tokens_and_four_for_each(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    made = answer(request(messages=messages))
    assert made.prompt_tokens == sum(math.ceil(len(text.encode()) / 4) + 4 for text in texts)


def test_parts_count_and_are_echoed_as_the_text_they_join_to() -> None:
    parts = [
        {"type": "text", "text": "what is "},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "this?"},
    ]
    assert answer(request(parts)) == answer(request("what is this?"))


@given(TEXTS)
def test_the_same_request_has_the_same_answer_and_it_says_that_it_is_simulated(text: str) -> None:
    made = answer(request(text))
    assert made == answer(request(text))
    assert made.text.startswith("This is a simulated answer: no model was called.")


def test_the_last_user_text_is_echoed_and_a_long_one_only_in_part() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": "second\n thing"},
        {"role": "assistant", "content": "third"},
    ]
    assert answer(request(messages=messages)).text.endswith("You asked: second thing")
    long = answer(request("word " * 100_000)).text
    assert long.endswith("word…")
    assert len(long) < 200


@given(TEXTS, st.integers(1, 40), st.sampled_from(["max_tokens", "max_completion_tokens"]))
def test_no_more_tokens_are_sent_than_the_limit_and_length_is_said_when_it_cut(
    text: str, limit: int, field: str
) -> None:
    whole, made = answer(request(text)), answer(request(text, **{field: limit}))
    assert len(made.pieces) <= 64
    assert made.completion_tokens == tokens(made.text) == min(limit, whole.completion_tokens)
    assert whole.text.startswith(made.text)
    assert made.finish_reason == ("length" if made.text != whole.text else "stop")


@given(TEXTS, st.integers(1, 100))
def test_pieces_join_to_the_text_and_are_no_more_than_asked_for(text: str, most: int) -> None:
    assert "".join(pieces(text, most)) == text
    assert len(pieces(text, most)) <= most


def test_call_tool_calls_the_first_tool() -> None:
    made = answer(request("please CALL TOOL now", tools=TOOLS))
    assert (called(made), made.finish_reason) == (["weather"], "tool_calls")
    assert made.calls[0].arguments == "{}"


def test_call_two_tools_calls_the_first_and_the_last_and_counts_both() -> None:
    more = [*TOOLS, {"type": "function", "function": {"name": "population"}}]
    made = answer(request("please call two tools", tools=more))
    assert (called(made), made.finish_reason) == (["weather", "population"], "tool_calls")
    assert made.completion_tokens == sum(tokens(one.arguments) for one in made.calls)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": None}, id="no tools"),
        pytest.param({"tools": TOOLS, "text": "hello"}, id="not asked to"),
        pytest.param(
            {
                "tools": TOOLS,
                "messages": [
                    {"role": "user", "content": "call tool"},
                    {"role": "tool", "tool_call_id": "a", "content": "sunny"},
                ],
            },
            id="the tool has answered",
        ),
    ],
)
def test_no_tool_is_called_otherwise(fields: dict[str, Any]) -> None:
    made = answer(request(**({"text": "call tool"} | fields)))
    assert (called(made), made.finish_reason) == ([], "stop")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="not JSON"),
        pytest.param(b'"\xff"', id="not UTF-8"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"messages":[{"role":"user"}]}', id="no model"),
        pytest.param(b'{"model":"","messages":[{"role":"user"}]}', id="an empty model"),
        pytest.param(b'{"model":"m"}', id="no messages field"),
        pytest.param(b'{"model":"m","messages":[]}', id="no messages"),
        pytest.param(b'{"model":"m","messages":[{"content":"x"}]}', id="no role"),
        pytest.param(b'{"model":"m","messages":[{"role":"user"}],"max_tokens":0}', id="no tokens"),
        pytest.param(b'{"model":"m","messages":[{"role":"user"}],"n":2}', id="two choices"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        decode(body)
