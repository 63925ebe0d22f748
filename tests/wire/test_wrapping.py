"""What was answered is never bought twice because of its wrapping."""

from __future__ import annotations

import gzip
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
    text_of,
)

CALLS = [
    {"id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for number in (1, 2)
]


def head(content_type: str) -> bytes:
    return f"content-type: {content_type}\r\n".encode() if content_type else b""


def created(answer: bytes) -> bytes:
    return answer.replace(b"200 OK", b"201 Created")


def lines_alone(answer: bytes) -> bytes:
    """A stream whose events are parted by line feeds alone."""
    http, body = answer.split(b"\r\n\r\n", 1)
    return http + b"\r\n\r\n" + body.rstrip(b"\n").replace(b"\n\n", b"\n") + b"\n\n"


def over_lines(answer: bytes) -> bytes:
    """Every event's data over several lines, each with its `data:`."""
    http, body = answer.split(b"\r\n\r\n", 1)
    return http + b"\r\n\r\n" + body.replace(b", ", b",\ndata: ")


def body_of(answer: bytes) -> bytes:
    return answer.split(b"\r\n\r\n", 1)[1]


def in_lines(*events: bytes | dict[str, Any]) -> bytes:
    """The events' JSON, one a line (NDJSON)."""
    lines = [one.partition(b"data: ")[2] if isinstance(one, bytes) else json.dumps(one).encode()
             for one in events]  # fmt: skip
    return b"".join(line.strip() + b"\n" for line in lines if line and b"[DONE]" not in line)


PIECES = in_lines(*chunks("hello"))
WHOLE = json.dumps(completion("hello")).encode()

ANSWERS: dict[str, tuple[str, bytes]] = {
    "a completion in a list": ("openai", as_json([completion("hello")])),
    "a message in a list": ("anthropic", as_json([message("hello")])),
    "JSON and [DONE]": ("openai", as_json(WHOLE + b"\n\ndata: [DONE]\n\n")),
    "JSON and a brace too many": ("openai", as_json(WHOLE + b"}")),
    "JSON and zeros": ("openai", as_json(WHOLE + b"\0\0\0")),
    "JSON and a text": ("openai", as_json(WHOLE + b"\n<!-- served by edge -->")),
    "a message and a text": ("anthropic", as_json(json.dumps(message("hello")).encode() + b" x")),
    "JSON twice": ("openai", as_json(WHOLE + b"\n" + WHOLE)),
    "pieces, one a line": ("openai", as_json(PIECES, head("application/x-ndjson"))),
    "pieces in a list": ("openai", as_json(b"[" + PIECES.strip().replace(b"\n", b",") + b"]")),
    "JSON in UTF-16": ("openai", as_json(WHOLE.decode().encode("utf-16"))),
    "JSON in UTF-16, unmarked": ("openai", as_json(WHOLE.decode().encode("utf-16-be"))),
    "JSON in UTF-32": ("openai", as_json(WHOLE.decode().encode("utf-32"))),
    "gzip that no header tells of": ("openai", as_json(gzip.compress(WHOLE))),
    "a stream as gzip that no header tells of": (
        "openai",
        as_json(gzip.compress(body_of(as_events(*chunks("hello"))))),
    ),
    "a stream in UTF-16": (
        "openai",
        as_json(body_of(as_events(*chunks("hello"))).decode().encode("utf-16")),
    ),
    "JSON": ("openai", as_json(completion("hello"))),
    "JSON as text/plain": ("openai", as_json(completion("hello"), head("text/plain"))),
    "JSON without a type": ("openai", as_json(completion("hello"), b"")),
    "JSON called a stream": ("openai", as_json(completion("hello"), head("text/event-stream"))),
    "JSON behind blanks": ("openai", as_json(b"\n \n" + json.dumps(completion("hello")).encode())),
    "JSON, 201": ("openai", created(as_json(completion("hello")))),
    "a stream": ("openai", as_events(*chunks("hello"))),
    "a stream without a type": ("openai", as_events(*chunks("hello"), head=b"")),
    "a stream as text/plain": ("openai", as_events(*chunks("hello"), head=head("text/plain"))),
    "a stream called JSON": ("openai", as_events(*chunks("hello"), head=head("application/json"))),
    "a stream of another case": (
        "openai",
        as_events(*chunks("hello"), head=b"Content-Type: Text/Event-Stream; Charset=UTF-8\r\n"),
    ),
    "a stream, 201": ("openai", created(as_events(*chunks("hello")))),
    "a stream without [DONE]": ("openai", as_events(*chunks("hello")[:-1])),
    "no last blank line": ("openai", as_events(*chunks("hello")).removesuffix(b"\n")),
    "usage without its blank line": (
        "openai",
        as_events(*chunks("hello")[:-1]).removesuffix(b"\n\n"),
    ),
    "CRLF": ("openai", as_events(*chunks("hello")).replace(b"\n\n", b"\r\n\r\n")),
    "a byte order mark": ("openai", as_events(b"\xef\xbb\xbf", *chunks("hello"))),
    "a comment first": ("openai", as_events(b": hello\n\n", *chunks("hello"))),
    "no blank lines": ("openai", lines_alone(as_events(*chunks("hello")))),
    "no blank lines, CRLF": (
        "openai",
        lines_alone(as_events(*chunks("hello"))).replace(b"}\ndata", b"}\r\ndata"),
    ),
    "no blank behind data:": ("openai", as_events(*chunks("hello")).replace(b"data: ", b"data:")),
    "JSON over several lines": ("openai", over_lines(as_events(*chunks("hello")))),
    "names and ids": (
        "openai",
        as_events(*chunks("hello")).replace(b"data:", b"id: 1\nevent: x\ndata:"),
    ),
    "a coding that is none": (
        "openai",
        as_json(completion("hello"), b"content-encoding: utf-8\r\n"),
    ),
    "gzip that is none": ("openai", as_json(completion("hello"), b"content-encoding: gzip\r\n")),
    "a stream as gzip that is none": (
        "openai",
        as_events(*chunks("hello"), head=b"content-encoding: gzip\r\n"),
    ),
    "a message without blank lines": (
        "anthropic",
        lines_alone(as_events(*message_events("hello"))),
    ),
    "a message": ("anthropic", as_json(message("hello"))),
    "a message as text/plain": ("anthropic", as_json(message("hello"), head("text/plain"))),
    "a streamed message": ("anthropic", as_events(*message_events("hel", "lo"))),
    "a streamed message without a type": (
        "anthropic",
        as_events(*message_events("hel", "lo"), head=b""),
    ),
    "a streamed message without its last event": (
        "anthropic",
        as_events(*message_events("hello")[:-1]).removesuffix(b"\n\n"),
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", ANSWERS)
def test_every_wrapping_is_one_answer_paid_once(new_pair: NewPair, case: str, stream: bool) -> None:
    dialect, payload = ANSWERS[case]
    pair = new_pair(dialect)
    pair.first.says(payload)
    answer = pair.ask(stream=stream)
    assert answer.status_code == 200, answer.text
    assert text_of(answer) == "hello"
    assert (pair.first.calls, pair.second.calls) == (1, 0)
    told = metadata_of(answer)
    assert (told["cost_incurred"], told["cost_quality"]) == (COST, "measured")
    usage = events_of(answer)[-1]["usage"] if stream else answer.json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (100, 20)
    if stream:
        assert answer.text.endswith("data: [DONE]\n\n")


def test_a_client_that_asked_for_no_usage_gets_none_of_json_given_on_as_a_stream(
    new_pair: NewPair,
) -> None:
    pair = new_pair("openai")
    pair.first.says(as_json(completion("hello")))
    events = events_of(pair.ask(stream=True, stream_options=None))
    assert not any(event.get("usage") for event in events)
    assert [event["choices"][0]["finish_reason"] for event in events] == [None, "stop"]
    assert "_metadata" in events[-1]


RICH: dict[str, Any] = {
    "role": "assistant",
    "content": "hello",
    "reasoning_content": "hm",
    "refusal": None,
    "tool_calls": CALLS,
}


def test_json_given_on_as_a_stream_keeps_calls_thoughts_and_choices(new_pair: NewPair) -> None:
    pair = new_pair("openai")
    choices = [
        {"index": number, "message": RICH, "finish_reason": "tool_calls"} for number in (0, 1)
    ]
    pair.first.says(as_json(completion("", choices=choices)))
    said = [c for event in events_of(pair.ask(stream=True, n=2)) for c in event["choices"]]
    deltas = [choice["delta"] for choice in said if choice["finish_reason"] is None]
    assert [delta["reasoning_content"] for delta in deltas] == ["hm", "hm"]
    assert [[call["index"] for call in delta["tool_calls"]] for delta in deltas] == [[0, 1]] * 2
    assert [choice["index"] for choice in said] == [0, 1, 0, 1]


def test_a_stream_gathered_into_json_keeps_calls_thoughts_and_choices(new_pair: NewPair) -> None:
    def piece(number: int, call: int, arguments: str, **more: object) -> dict[str, Any]:
        function = {"arguments": arguments, **more}
        calls = [{"index": call, "id": f"call_{call}", "type": "function", "function": function}]
        return {**chunk({}), "choices": [{"index": number, "delta": {"tool_calls": calls}}]}

    pair = new_pair("openai")
    pair.first.says(
        as_events(
            chunk({"role": "assistant", "reasoning": "h"}),
            chunk({"reasoning": "m", "content": "hel"}),
            chunk({"content": "lo"}),
            piece(0, 0, '{"a"', name="f"),
            piece(0, 1, "{}", name="g"),
            piece(0, 0, ":1}"),
            piece(1, 0, "{}", name="h"),
            chunk({}, "tool_calls", usage=USAGE),
            DONE,
        )
    )
    first, second = pair.ask(stream=False).json()["choices"]
    assert (first["message"]["content"], first["message"]["reasoning"]) == ("hello", "hm")
    assert [call["function"] for call in first["message"]["tool_calls"]] == [
        {"name": "f", "arguments": '{"a":1}'},
        {"name": "g", "arguments": "{}"},
    ]
    assert first["finish_reason"] == "tool_calls"
    assert second["message"]["tool_calls"][0]["function"]["name"] == "h"


def test_a_stream_cut_on_its_way_into_json_falls_over(new_pair: NewPair) -> None:
    pair = new_pair("openai")
    pair.first.fails(as_events(chunk({"content": "half an ans"})))
    assert text_of(pair.ask(stream=False)) == "from the second"
    assert (pair.first.calls, pair.second.calls) == (1, 1)
