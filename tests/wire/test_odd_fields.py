"""What is odd in a field that nobody reads changes nothing; what is read is read field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.told_provider import (
    COST,
    DONE,
    USAGE,
    NewPair,
    as_events,
    as_json,
    chunk,
    chunks,
    completion,
    events_of,
    message,
    message_events,
    metadata_of,
    named,
    text_of,
)

INFINITE = b'{"content":[{"token":"h","logprob":-Infinity,"bytes":null,"top_logprobs":[]}]}'
ODD: dict[str, dict[str, object]] = {
    "a model that is a number": {"model": 5},
    "an id that is a number": {"id": 5},
    "created as a text": {"created": "2026-11-28T00:00:00Z"},
    "a tier that is an object": {"service_tier": {"name": "flex"}},
    "a fingerprint that is a list": {"system_fingerprint": [1]},
    "an error that is false": {"error": False},
    "an error that is empty": {"error": {}},
    "an error that says nothing": {"error": {"code": None, "message": ""}},
    "x_groq as a text": {"x_groq": "req_1"},
    "a type that is a number": {"type": 1, "object": None},
    "half a surrogate pair": {"note": "\ud83d"},
    "citations": {"citations": ["https://example.com"], "search_results": None},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", ODD)
def test_an_odd_field_changes_nothing(new_pair: NewPair, case: str, stream: bool) -> None:
    pair = new_pair("openai")
    begun, reason, usage, done = chunks("hello")
    odd: list[Any] = [{**event, **ODD[case]} for event in (begun, reason, usage)]  # type: ignore[dict-item]
    pair.first.says(as_json({**completion("hello"), **ODD[case]}), as_events(*odd, done))
    answer = pair.ask(stream=stream)
    assert text_of(answer) == "hello"
    told = metadata_of(answer)
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")
    assert (pair.first.calls, pair.second.calls) == (1, 0)


def with_content(raw: bytes) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":%b},"finish_reason":null}]}\n\n' % raw


EVENTS: dict[str, tuple[list[object], str]] = {
    "null": ([b"data: null\n\n"], ""),
    "a bad line": ([b'data: {"broken\n\n'], ""),
    "a surrogate pair in two events": (
        [with_content(b'"\\ud83d"'), with_content(b'"\\ude00"')],
        "\ud83d\ude00",
    ),
    "choices null": ([{"id": "c", "choices": None}], ""),
    "a delta that is null": ([{**chunk({}), "choices": [{"index": 0, "delta": None}]}], ""),
    "an index that is a text": (
        [{**chunk({}), "choices": [{"index": "0", "delta": {"content": "!"}}]}],
        "!",
    ),
    "calls that are null": ([chunk({"content": "!", "tool_calls": None})], "!"),
    "calls that are an object": ([chunk({"content": "!", "tool_calls": {}})], "!"),
    "a reason that is a number": ([chunk({"content": "!"}, 0)], "!"),
    "an empty reason": ([chunk({"content": "!"}, "")], "!"),
    "infinities": (
        [
            b'data: {"choices":[{"index":0,"delta":{"content":"!"},"logprobs":%b,'
            b'"finish_reason":null}]}\n\n' % INFINITE
        ],
        "!",
    ),
    "Azure's first chunk": ([{"choices": [], "prompt_filter_results": []}], ""),
    "an unknown event": ([b'event: keep-alive\ndata: {"tick": 1}\n\n'], ""),
}


@pytest.mark.parametrize("case", EVENTS)
def test_an_odd_event_loses_no_word_and_no_usage(new_pair: NewPair, case: str) -> None:
    odd, text = EVENTS[case]
    pair = new_pair("openai")
    pair.first.says(as_events(chunk({"content": "he"}), *odd, *chunks("llo")))
    answer = pair.ask(stream=True)
    assert text_of(answer) == f"he{text}llo"
    told = metadata_of(answer)
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")


INFINITE_EVENT = (
    b'data: {"choices":[{"index":0,"delta":{"content":"hello"},"logprobs":%b,'
    b'"finish_reason":null}]}\n\n' % INFINITE
)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize("stream", [False, True])
def test_numbers_that_are_none_reach_the_client_as_null(new_pair: NewPair, stream: bool) -> None:
    """JavaScript's clients give up the whole answer otherwise."""
    whole = json.dumps(completion("hello")).encode()
    odd = whole.replace(b'"finish_reason"', b'"logprobs":%b,"finish_reason"' % INFINITE)
    pair = new_pair("openai")
    pair.first.says(as_json(odd), as_events(INFINITE_EVENT, chunk({}, "stop", usage=USAGE), DONE))
    answer = pair.ask(stream=stream)
    for data in [answer.text] if not stream else answer.text.split("\n\n"):
        text = data.removeprefix("data: ")
        if text.startswith("{"):
            json.loads(text, parse_constant=no_constant)
    assert text_of(answer) == "hello"
    assert metadata_of(answer)["cost_incurred"] == COST


@pytest.mark.parametrize("text", ["NaN", "-Infinity and NaN"])
def test_a_model_may_speak_of_infinity(new_pair: NewPair, text: str) -> None:
    pair = new_pair("openai")
    pair.first.says(as_json(completion(text)), as_events(*chunks(text)))
    assert [text_of(pair.ask(stream=stream)) for stream in (False, True)] == [text, text]


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text"}]
SAID: dict[str, dict[str, object]] = {
    "content as parts": {"content": PARTS},
    "a refusal alone": {"content": None, "refusal": "no"},
    "calls alone": {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
    "a legacy call": {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
    "audio alone": {"content": None, "audio": {"id": "a", "data": "UklGRg==", "transcript": "hi"}},
    "images alone": {"content": "", "images": [{"image_url": {"url": "data:image/png;base64,"}}]},
    **{f"{name} alone": {"content": "", name: "hm"} for name in ("reasoning", "thinking")},
    "reasoning_details alone": {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
    "an empty text": {"content": ""},
    "null": {"content": None},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", SAID)
def test_whatever_the_model_says_is_an_answer_that_was_paid_for(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    """An empty text is one too, where it has a reason."""
    said = {"role": "assistant", **SAID[case]}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    pair = new_pair("openai")
    pair.first.says(
        as_json(completion("", choices=[choice])),
        as_events(chunk(said), chunk({}, "stop", usage=USAGE), DONE),
    )
    told = metadata_of(pair.ask(stream=stream))
    assert told["cost_incurred"] == COST
    assert (pair.first.calls, pair.second.calls) == (1, 0)


MESSAGES: dict[str, dict[str, object]] = {
    "an id that is a number": {"id": 5},
    "a model that is null": {"model": None},
    "stop_details as a text": {"stop_details": "none"},
    "a container": {"container": {"id": 1}},
    "an error that is null": {"error": None},
    "half a surrogate pair": {"note": "\ud83d"},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", MESSAGES)
def test_an_odd_field_of_a_message_changes_nothing(
    new_pair: NewPair, case: str, stream: bool
) -> None:
    pair = new_pair("anthropic")
    begun, *rest = message_events("hello")
    usage = {"input_tokens": 100, "output_tokens": 1}
    begun = named(type="message_start", message={"id": "m", "usage": usage, **MESSAGES[case]})
    pair.first.says(as_json({**message("hello"), **MESSAGES[case]}), as_events(begun, *rest))
    answer = pair.ask(stream=stream)
    assert text_of(answer) == "hello"
    assert metadata_of(answer)["cost_incurred"] == COST
    assert (pair.first.calls, pair.second.calls) == (1, 0)


def test_a_surrogate_pair_in_two_deltas_of_a_message_reaches_the_client(new_pair: NewPair) -> None:
    pair = new_pair("anthropic")
    pair.first.says(as_events(*message_events("nice ", "\ud83d", "\ude00")))
    answer = pair.ask(stream=True)
    assert text_of(answer) == "nice \ud83d\ude00"
    assert len(events_of(answer)) > 3  # noqa: PLR2004


def test_a_tool_call_without_an_index_gets_one(new_pair: NewPair) -> None:
    def call(number: int) -> dict[str, Any]:
        function = {"name": "f", "arguments": "{}"}
        return chunk({"tool_calls": [{"id": f"c{number}", "function": function}]})

    pair = new_pair("openai")
    pair.first.says(as_events(call(1), call(2), chunk({}, "tool_calls", usage=USAGE), DONE))
    events = events_of(pair.ask(stream=True))
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [one["index"] for one in calls] == [0, 1]
