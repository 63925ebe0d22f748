"""Chunks of chat as events of a message: well-formed whatever comes, and nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.dialect import dialect_of
from shared.wire.messages.door.first_content import has_content
from shared.wire.messages.door.over import over
from shared.wire.messages.door.request import decode_messages
from shared.wire.messages.door.whole_stream import gather
from shared.wire.parse.sse import DONE, END, data_event, event_data
from tests.wire.streams import recorded

REQUEST = decode_messages(b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":9}', {})
METADATA = b'{"provider_used":"openai"}'
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def call(index: int, arguments: str, name: str | None = None) -> dict[str, Any]:
    begun = {"id": f"call_{index}", "type": "function"} if name else {}
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return chunk(tool_calls=[{"index": index, **begun, "function": function}])


def streamed(*chunks: Any, reason: str = "stop", usage: Any = USAGE) -> bytes:
    last = [chunk(reason), {**chunk(), "choices": [], "usage": usage}]
    return b"".join(data_event(json.dumps(one).encode()) for one in [*chunks, *last]) + DONE


def translated(data: bytes, size: int = 1 << 20, slug: str = "openai") -> list[Any]:
    reader = over(dialect_of("openai", slug, "bearer"), REQUEST).reader(show_usage=True, created=1)
    out = b"".join(reader.feed(data[at : at + size]) for at in range(0, len(data), size))
    out += reader.close()
    if not reader.has_error:
        out += reader.end(METADATA)
    return [json.loads(one) for event in out.split(END) if (one := event_data(event))]


def check_well_formed(events: list[Any]) -> None:
    """platform.claude.com, "Streaming messages": the flow of events."""
    events = [one for one in events if one["type"] != "ping"]
    assert events[0]["type"] == "message_start"
    assert [one["type"] for one in events[-2:]] == ["message_delta", "message_stop"]
    is_open, at = False, -1
    for one in events[1:-2]:
        if one["type"] == "content_block_start":
            assert not is_open
            is_open, at = True, at + 1
        else:
            assert is_open
            assert one["type"] in ("content_block_delta", "content_block_stop")
            is_open = one["type"] != "content_block_stop"
        assert one["index"] == at
    assert not is_open


def message_of(events: list[Any]) -> Any:
    return json.loads(gather(b"".join(data_event(json.dumps(one).encode()) for one in events)))


def test_thoughts_text_and_calls_are_blocks_in_their_order() -> None:
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
    check_well_formed(events)
    message = message_of(events)
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "call_0", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_1", "name": "g", "input": {"b": 2}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == {
        "input_tokens": 30,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 60,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    assert events[-2]["_metadata"] == {"provider_used": "openai"}


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("invented", "end_turn"),
    ],
)
def test_why_it_stopped_is_said_in_anthropics_words(reason: str, stop: str) -> None:
    assert translated(streamed(chunk(content="x"), reason=reason))[-2]["delta"] == {
        "stop_reason": stop,
        "stop_sequence": None,
    }


def test_signed_thoughts_keep_their_signature() -> None:
    first = {"type": "thinking", "thinking": "hm", "signature": None}
    sign = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "eA=="}
    events = translated(
        streamed(
            chunk(reasoning_content="hm", thinking_blocks=[first]),
            chunk(thinking_blocks=[sign]),
            chunk(thinking_blocks=[hidden]),
            chunk(content="x"),
        )
    )
    check_well_formed(events)
    assert message_of(events)["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        hidden,
        {"type": "text", "text": "x"},
    ]


ARGUMENTS = st.sampled_from(["", "{", "}", "{}", '{"a":1}', '"a":1'])
PIECES = st.one_of(
    st.text(max_size=4).map(lambda words: chunk(content=words)),
    st.text(max_size=4).map(lambda words: chunk(reasoning_content=words)),
    st.builds(call, st.integers(0, 3), ARGUMENTS, st.sampled_from(["f", None])),
)


@given(st.lists(PIECES, max_size=20), st.integers(1, 400))
def test_whatever_chunks_come_the_events_are_well_formed_and_whole(
    pieces: list[Any], size: int
) -> None:
    events = translated(streamed(*pieces), size)
    check_well_formed(events)
    deltas = [one["choices"][0]["delta"] for one in pieces]
    said = [one["delta"] for one in events if one["type"] == "content_block_delta"]
    for name, kind in (("content", "text"), ("reasoning_content", "thinking")):
        expected = "".join(delta.get(name) or "" for delta in deltas)
        assert "".join(one.get(kind, "") for one in said) == expected


CUT = {"id": "c", "function": {"name": "f", "arguments": "{"}}
OF_CHAT = [name for name, one in recorded().items() if one.dialect == "openai"]


@pytest.mark.parametrize("name", OF_CHAT)
def test_a_recorded_stream_cut_anywhere_is_the_same_message(name: str) -> None:
    stream = recorded()[name]
    data = b"".join(one + END for one in stream.events)
    whole = translated(data, slug=stream.slug)
    sizes = (1, 2, 7, 64)
    for size in sizes:
        got = translated(data, size, slug=stream.slug)
        assert [one for one in got if one["type"] != "ping"] == [
            one for one in whole if one["type"] != "ping"
        ]
    if whole and whole[-1]["type"] == "message_stop":
        check_well_formed(whole)


@pytest.mark.parametrize(
    ("body", "content", "stop"),
    [
        ({"content": "hello"}, [{"type": "text", "text": "hello"}], "end_turn"),
        (
            {
                "content": None,
                "tool_calls": [CUT],
            },
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"_raw": "{"}}],
            "tool_use",
        ),
        ({"content": None, "refusal": "No."}, [{"type": "text", "text": "No."}], "end_turn"),
    ],
)
def test_a_whole_answer_is_a_message(body: Any, content: Any, stop: str) -> None:
    reason = "tool_calls" if "tool_calls" in body else "stop"
    choice = {"index": 0, "message": {"role": "assistant", **body}, "finish_reason": reason}
    answer = {"id": "c", "model": "m", "choices": [choice]}
    dialect = over(dialect_of("openai", "openai", "bearer"), REQUEST)
    message = json.loads(dialect.reply(json.dumps(answer).encode(), created=1).body)
    assert (message["type"], message["role"], message["model"]) == ("message", "assistant", "m")
    assert (message["content"], message["stop_reason"]) == (content, stop)
    assert message["usage"]["input_tokens"] == REQUEST.prompt.tokens


def test_a_start_is_no_content_and_a_word_is() -> None:
    start = b'event: content_block_start\ndata: {"type":"content_block_start","content_block":'
    assert not has_content(b'event: message_start\ndata: {"type":"message_start"}\n\n')
    assert not has_content(start + b'{"type":"text","text":""}}\n\n')
    assert has_content(start + b'{"type":"tool_use","name":"f"}}\n\n')
    assert has_content(b'event: content_block_delta\ndata: {"type":"content_block_delta"}\n\n')
