"""Chunks of chat as events of a response: well-formed whatever comes, and nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.dialect import dialect_of
from shared.wire.parse.sse import END
from shared.wire.responses.first_content import has_content
from shared.wire.responses.over import over
from shared.wire.responses.whole_stream import WholeResponse, gather, text_tokens
from shared.wire.translated import Sending
from tests.shared.wire.responses.conversation import (
    IDS,
    METADATA,
    USAGE,
    by_chat,
    call,
    check_well_formed,
    chunk,
    events_in,
    request,
    streamed,
    translated,
)
from tests.wire.streams import recorded

FUNCTION: Any = {"type": "function", "name": "f", "parameters": {}, "strict": None}
PATCH = {"type": "custom", "name": "apply_patch"}
NAMESPACE: Any = {"type": "namespace", "name": "n", "description": "N", "tools": [FUNCTION]}
SENDING = Sending("claude-opus-5-5")


def test_thoughts_text_and_calls_are_items_in_their_order() -> None:
    events = translated(
        streamed(
            chunk(role="assistant", content=""),
            chunk(reasoning_content="h"),
            chunk(reasoning_content="m"),
            chunk(content="hel"),
            chunk(content="lo"),
            call(0, "", "f"),
            call(0, '{"a"'),
            call(1, '{"b"', "g"),
            call(0, ":1}"),
            call(1, ":2}"),
            reason="tool_calls",
        )
    )
    response = check_well_formed(events)
    thought, text, f, g = response["output"]
    assert (thought["content"], thought["summary"]) == (
        [{"type": "reasoning_text", "text": "hm"}],
        [],
    )
    assert text["content"][0]["text"] == "hello"
    assert (f["call_id"], f["name"], f["arguments"]) == ("call_0", "f", '{"a":1}')
    assert (g["call_id"], g["name"], g["arguments"]) == ("call_1", "g", '{"b":2}')
    assert response["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    assert response["_metadata"] == {"provider_used": "openai"}
    assert (response["id"], response["store"]) == ("resp_9", False)


def test_thoughts_are_a_summary_where_one_is_asked_for() -> None:
    asked = request(reasoning={"summary": "auto"})
    response = check_well_formed(translated(streamed(chunk(reasoning_content="hm")), asked))
    thought = response["output"][0]
    assert (thought["summary"], thought["content"]) == (
        [{"type": "summary_text", "text": "hm"}],
        [],
    )


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("invented", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_why_it_stopped_is_said_in_the_words_of_responses(
    reason: str, status: str, details: Any
) -> None:
    response = check_well_formed(translated(streamed(chunk(content="x"), reason=reason)))
    assert (response["status"], response["incomplete_details"]) == (status, details)
    assert response["output"][-1]["status"] == status


def test_calls_have_the_names_that_the_caller_gave_and_free_text_is_text() -> None:
    asked = request(tools=[PATCH, NAMESPACE])
    events = translated(
        streamed(
            call(0, '{"inp', "apply_patch"),
            call(0, 'ut":"*** Begin"}'),
            call(1, "{}", "n__f"),
            reason="tool_calls",
        ),
        asked,
    )
    patch, f = check_well_formed(events)["output"]
    assert (patch["type"], patch["name"], patch["input"]) == (
        "custom_tool_call",
        "apply_patch",
        "*** Begin",
    )
    assert (f["type"], f["name"], f["namespace"]) == ("function_call", "f", "n")


ARGUMENTS = st.sampled_from(["", "{", "}", "{}", '{"a":1}', '"a":1', '{"input":"x"}'])
NAMES = st.sampled_from(["f", "apply_patch", "n__f", None])
PIECES = st.one_of(
    st.text(max_size=4).map(lambda words: chunk(content=words)),
    st.text(max_size=4).map(lambda words: chunk(refusal=words)),
    st.text(max_size=4).map(lambda words: chunk(reasoning_content=words)),
    st.builds(call, st.integers(0, 3), ARGUMENTS, NAMES),
)
ASKED: st.SearchStrategy[Any] = st.sampled_from(
    [{}, {"reasoning": {"summary": "auto"}}, {"tools": [FUNCTION, PATCH, NAMESPACE]}]
)


@given(st.lists(PIECES, max_size=20), st.integers(1, 400), ASKED)
def test_whatever_chunks_come_the_events_are_what_openais_types_take_and_whole(
    pieces: list[Any], size: int, body: Any
) -> None:
    events = translated(streamed(*pieces), request(**body), size)
    response = check_well_formed(events)
    deltas = [one["choices"][0]["delta"] for one in pieces]
    for name, kinds in (
        ("content", ("output_text",)),
        ("refusal", ("refusal",)),
        ("reasoning_content", ("reasoning_text", "summary_text")),
    ):
        parts = [
            part
            for item in response["output"]
            for part in (*item.get("content", ()), *item.get("summary", ()))
            if part["type"] in kinds
        ]
        said = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
        assert said == "".join(delta.get(name) or "" for delta in deltas)


@given(st.lists(PIECES, max_size=12), ASKED)
def test_a_whole_answer_and_its_stream_are_the_same_response(pieces: list[Any], body: Any) -> None:
    asked = request(**body)
    events = translated(streamed(*pieces), asked)
    whole = gather(b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in events))
    dialect = over(by_chat(), asked, ids=IDS)
    said = events[-1]["response"]
    completion = dialect.reply(_chat_answer(said), created=1)
    again = WholeResponse(completion, show_usage=True)
    retold = events_in(again.first() + again.end(METADATA))
    assert check_well_formed(retold)["output"] == json.loads(completion.body)["output"]
    assert json.loads(whole)["output"] == said["output"]
    assert text_tokens(whole) >= 0


def _chat_answer(response: Any) -> bytes:
    """The answer of chat that would be told as the texts of `response`."""
    texts = [
        part["text"]
        for item in response["output"]
        for part in item.get("content", ())
        if "text" in part
    ]
    message = {"role": "assistant", "content": "".join(texts)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-9", "model": "m", "choices": [choice], "usage": USAGE}
    return json.dumps(answer).encode()


OF_CHAT = [name for name, one in recorded().items() if one.dialect == "openai"]


@pytest.mark.parametrize("name", OF_CHAT)
def test_a_recorded_stream_cut_anywhere_is_the_same_response(name: str) -> None:
    stream = recorded()[name]
    data = b"".join(one + END for one in stream.events)
    whole = translated(data, slug=stream.slug)
    for size in (1, 2, 7, 64):
        assert translated(data, size=size, slug=stream.slug) == whole
    if whole and whole[-1]["type"] in ("response.completed", "response.incomplete"):
        check_well_formed(whole)


def test_signed_thoughts_come_back_as_they_were() -> None:
    first = {"type": "thinking", "thinking": "hm", "signature": "c2ln", "provider": "anthropic"}
    hidden = {"type": "redacted_thinking", "data": "eA==", "provider": "anthropic"}
    events = translated(
        streamed(
            chunk(reasoning_content="hm"),
            chunk(thinking_blocks=[first]),
            chunk(thinking_blocks=[hidden]),
            chunk(content="x"),
        )
    )
    items = check_well_formed(events)["output"]
    assert items[0]["content"][0]["text"] == "hm"
    asked = request(input=[{"role": "user", "content": "hi"}, *items])
    written = over(dialect_of("anthropic", "anthropic", ""), asked, ids=IDS).request(asked, SENDING)
    answer = json.loads(written.body)["messages"][1]["content"]
    assert answer[:2] == [
        {name: one[name] for name in one if name != "provider"} for one in (first, hidden)
    ]


def test_a_start_is_no_content_and_a_word_is() -> None:
    begun = b'data: {"type":"response.output_item.added","item":{"type":"%b"}}\n\n'
    assert not has_content(b'data: {"type":"response.created"}\n\n')
    assert not has_content(begun % b"message")
    assert has_content(begun % b"function_call")
    assert has_content(b'data: {"type":"response.output_text.delta","delta":"x"}\n\n')
