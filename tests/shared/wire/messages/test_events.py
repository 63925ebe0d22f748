"""Laws of streaming an Anthropic message as chat completion chunks."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from shared.wire.messages.events import StreamReader
from shared.wire.parse.sse import DONE, MAX_EVENT_BYTES, EventTooLong
from shared.wire.tokens.text import count_text
from shared.wire.usage import Counts

RECORDED = Path(__file__).parents[3] / "recorded" / "anthropic"
STREAMS = {path.stem: path.read_bytes() for path in sorted(RECORDED.glob("*.sse"))}
WHOLE = {name: data for name, data in STREAMS.items() if b"message_stop" in data}
METADATA = b'{"provider_used":"anthropic"}'
CREATED = 1_700_000_000


def read(
    data: bytes, cuts: list[int] | None = None, *, show_usage: bool = False
) -> tuple[bytes, StreamReader]:
    reader = StreamReader(show_usage=show_usage, created=CREATED)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts or ()), len(data)]
    out = b"".join(reader.feed(data[start:end]) for start, end in itertools.pairwise(places))
    return out + reader.end(METADATA), reader


def payloads(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(part[6:]) for part in out.split(b"\n\n") if part.startswith(b"data: {")]


def deltas(out: bytes) -> list[dict[str, Any]]:
    return [one["choices"][0]["delta"] for one in payloads(out) if one["choices"]]


def joined(out: bytes, field: str) -> str:
    return "".join(delta.get(field) or "" for delta in deltas(out))


def event(**fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(fields["type"]).encode(), json.dumps(fields).encode())


@pytest.mark.parametrize("name", STREAMS)
def test_every_recorded_stream_names_its_source(name: str) -> None:
    assert STREAMS[name].startswith(b": source: platform.claude.com/docs/")


@given(
    st.sampled_from(sorted(STREAMS)),
    st.lists(st.integers(min_value=0), max_size=12),
    st.booleans(),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_any_split_of_any_recorded_stream_gives_the_same_output(
    name: str, cuts: list[int], show_usage: bool, line_end: bytes
) -> None:
    data = STREAMS[name]
    whole, reader = read(data, show_usage=show_usage)
    split, other = read(data.replace(b"\n", line_end), cuts, show_usage=show_usage)
    assert split == whole
    assert (other.counts, other.model, other.is_done) == (
        reader.counts,
        reader.model,
        reader.is_done,
    )


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_read_byte_by_byte_gives_the_same_output(name: str) -> None:
    data = STREAMS[name]
    assert read(data, list(range(len(data))))[0] == read(data)[0]


@pytest.mark.parametrize("name", STREAMS)
def test_every_chunk_is_one_of_openais(name: str) -> None:
    out, _ = read(STREAMS[name], show_usage=True)
    chunks = [ChatCompletionChunk.model_validate(one, strict=True) for one in payloads(out)]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert {chunk.id for chunk in chunks} == {"msg_01"}
    assert {chunk.created for chunk in chunks} == {CREATED}
    assert {chunk.model for chunk in chunks} == {"claude-sonnet-4-6"}
    assert out.endswith(DONE)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("text", "Hello wörld!", "stop"),
        ("tool_use", "Okay, let's check the weather:", "tool_calls"),
        ("parallel_tools", "", "tool_calls"),
        ("thinking", "27 * 453 = 12,231", "stop"),
        ("redacted_and_cited", "It is sunny.", "stop"),
        ("cached", "Cached.", "length"),
        ("refused", "Well", "content_filter"),
    ],
)
def test_the_text_arrives_whole_and_the_reason_is_openais(
    name: str, text: str, reason: str
) -> None:
    out, reader = read(WHOLE[name])
    assert joined(out, "content") == text
    assert payloads(out)[-1]["choices"][0]["finish_reason"] == reason
    assert reader.is_done
    assert reader.is_finished
    assert not reader.has_error


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("text", Counts(25, 15)),
        ("tool_use", Counts(472, 89)),
        ("thinking", Counts(40, 60, reasoning_tokens=41)),
        ("redacted_and_cited", Counts(10682, 510)),
        (
            "cached",
            Counts(
                2098, 503, cached_tokens=1800, cache_write_tokens=248, cache_write_1h_tokens=100
            ),
        ),
    ],
)
def test_the_usage_of_message_delta_wins_and_the_prompt_includes_the_cache(
    name: str, usage: Counts
) -> None:
    out, reader = read(WHOLE[name], show_usage=True)
    assert reader.counts == usage
    shown = payloads(out)[-1]
    assert shown["choices"] == []
    assert shown["usage"]["prompt_tokens"] == usage.prompt_tokens
    assert shown["usage"]["completion_tokens"] == usage.completion_tokens
    assert shown["usage"]["total_tokens"] == usage.prompt_tokens + usage.completion_tokens
    assert shown["_metadata"] == {"provider_used": "anthropic"}


def test_the_tier_is_told_in_openais_words() -> None:
    assert read(STREAMS["cached"])[1].service_tier == "default"


def test_usage_is_hidden_from_a_client_that_did_not_ask_and_metadata_rides_on_the_finish() -> None:
    events = payloads(read(WHOLE["text"])[0])
    assert not any("usage" in one for one in events)
    assert events[-1]["_metadata"] == {"provider_used": "anthropic"}
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("_metadata" in one for one in events[:-1])


def calls(out: bytes) -> list[dict[str, str]]:
    """The tool calls as a client puts them together, by index."""
    found: list[dict[str, str]] = []
    for delta in deltas(out):
        for piece in delta.get("tool_calls", ()):
            function = piece["function"]
            if "id" in piece:
                assert piece["index"] == len(found)
                found.append({"id": piece["id"], "name": function["name"], "arguments": ""})
            found[piece["index"]]["arguments"] += function["arguments"]
    return found


def test_two_parallel_calls_arrive_apart_and_a_call_without_input_is_an_empty_object() -> None:
    assert calls(read(WHOLE["parallel_tools"])[0]) == [
        {"id": "toolu_01A", "name": "get_weather", "arguments": '{"location": "Paris"}'},
        {"id": "toolu_01B", "name": "get_time", "arguments": "{}"},
    ]


def test_input_that_came_with_the_start_of_its_block_is_not_lost() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    data = event(type="content_block_start", index=0, content_block=block)
    out, _ = read(data + event(type="content_block_stop", index=0))
    assert json.loads(calls(out)[0]["arguments"]) == {"a": 1}


def test_a_calls_input_joins_to_the_object_that_was_streamed() -> None:
    (call,) = calls(read(WHOLE["tool_use"])[0])
    assert json.loads(call["arguments"]) == {
        "location": "San Francisco, CA",
        "unit": "fahrenheit",
    }


def test_thinking_is_shown_and_its_signed_block_follows_whole() -> None:
    out, _ = read(WHOLE["thinking"])
    thought = "Let me solve this step by step:\n\n1. 27 * 453 = 12,231"
    assert joined(out, "reasoning_content") == thought
    (signed,) = [delta["thinking_blocks"] for delta in deltas(out) if "thinking_blocks" in delta]
    signature = "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"
    block = {"type": "thinking", "thinking": thought, "signature": signature}
    assert signed == [{**block, "provider": "anthropic"}]


def test_blocks_of_server_tools_are_left_out_and_redacted_thinking_is_handed_on() -> None:
    out, _ = read(WHOLE["redacted_and_cited"])
    assert calls(out) == []
    redacted = {"type": "redacted_thinking", "data": "EmwKAhgB", "provider": "anthropic"}
    assert {"thinking_blocks": [redacted]} in deltas(out)
    assert b"srvtoolu_01" not in out


def test_a_refusals_explanation_is_told() -> None:
    assert joined(read(WHOLE["refused"])[0], "refusal") == "This cannot be answered."


def test_an_error_stops_the_stream_and_is_not_relayed() -> None:
    reader = StreamReader(show_usage=False, created=CREATED)
    data = STREAMS["overloaded_midway"]
    out = reader.feed(data + event(type="message_stop"))
    assert reader.has_error
    assert not reader.is_finished
    assert joined(out, "content") == "Half an ans"
    assert b"verloaded" not in out


def test_nothing_is_sent_before_the_first_block_so_that_an_early_error_can_fall_back() -> None:
    reader = StreamReader(show_usage=False, created=CREATED)
    assert reader.feed(STREAMS["overloaded_first"]) == b""
    assert reader.has_error


def test_a_ping_keeps_the_clients_connection_awake_once_the_answer_has_begun() -> None:
    reader = StreamReader(show_usage=False, created=CREATED)
    ping = event(type="ping")
    assert reader.feed(ping) == b""
    reader.feed(STREAMS["overloaded_midway"].split(b"event: error")[0])
    assert reader.feed(ping) == b": ping\n\n"


def test_a_cut_stream_has_its_reported_prompt_alone() -> None:
    _, reader = read(STREAMS["overloaded_midway"])
    assert not reader.is_finished
    assert reader.delivered_tokens() == count_text("Half an ans")
    assert reader.counts == Counts(25)


def test_a_count_that_cannot_be_true_is_left_out() -> None:
    _, reader = read(WHOLE["text"].replace(b'"output_tokens": 15', b'"output_tokens": -15'))
    assert reader.counts == Counts(25, is_doubtful=True)


def test_a_bad_line_is_skipped_and_the_stream_goes_on() -> None:
    middle = b"event: content_block_delta\ndata: "
    data = WHOLE["text"].replace(middle, b'data: {"type": "cont\n\ndata: 7\n\n' + middle)
    assert read(data)[0] == read(WHOLE["text"])[0]


def test_a_byte_order_mark_and_data_over_several_lines_are_read() -> None:
    data = WHOLE["text"].replace(b', "index"', b',\ndata: "index"')
    assert data != WHOLE["text"]
    data = data[data.index(b"event: message_start") :]
    assert read(b"\xef\xbb\xbf" + data)[0] == read(WHOLE["text"])[0]


def test_a_line_of_ten_megabytes_is_read_in_small_pieces() -> None:
    text = "x" * 10_000_000
    delta = {"type": "text_delta", "text": text}
    block = {"type": "text", "text": ""}
    data = event(type="content_block_start", index=0, content_block=block)
    data += event(type="content_block_delta", index=0, delta=delta)
    out, reader = read(data, list(range(0, len(data), 16_384)))
    assert joined(out, "content") == text
    assert reader.delivered_tokens() == count_text(text)


def test_an_endless_event_is_given_up() -> None:
    reader = StreamReader(show_usage=False, created=CREATED)
    for _ in range(16):
        reader.feed(b"x" * (MAX_EVENT_BYTES // 16))
    with pytest.raises(EventTooLong):
        reader.feed(b"x")


def test_a_stream_without_an_end_is_not_finished_until_a_reason_comes() -> None:
    head, tail = WHOLE["text"].split(b"event: message_delta")
    reader = StreamReader(show_usage=False, created=CREATED)
    reader.feed(head)
    assert not reader.is_finished
    reader.feed(b"event: message_delta" + tail.split(b"event: message_stop")[0])
    assert reader.is_finished
    assert not reader.is_done


def test_the_text_of_a_block_whose_start_was_lost_arrives_all_the_same() -> None:
    data = WHOLE["text"].replace(
        b'{"type": "content_block_start"', b'{"type" "content_block_start"'
    )
    assert data != WHOLE["text"]
    assert read(data)[0] == read(WHOLE["text"])[0].replace(b": ping\n\n", b"")


def test_a_message_without_content_still_names_its_role_and_its_reason() -> None:
    delta = {"stop_reason": "end_turn"}
    data = event(type="message_delta", delta=delta, usage={"output_tokens": 1})
    out, reader = read(data + event(type="message_stop"))
    assert reader.is_done
    assert [one["choices"][0]["delta"].get("role") for one in payloads(out)] == ["assistant", None]
    assert payloads(out)[-1]["choices"][0]["finish_reason"] == "stop"
