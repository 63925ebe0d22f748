"""Laws of relaying a stream."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.events import StreamReader
from shared.wire.parse.sse import DONE, MAX_EVENT_BYTES, EventTooLong
from shared.wire.tokens.text import count_text
from shared.wire.usage import Counts


def event(**fields: object) -> bytes:
    return b"data: %b\n\n" % json.dumps({"model": "m", **fields}).encode()


def delta(text: str, finish: str | None = None) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
USAGE_EVENT = event(choices=[], usage=USAGE)
STREAM = [
    b": a comment\n\n",
    delta("Hel"),
    delta("lo"),
    delta("", "stop"),
    USAGE_EVENT,
    DONE,
]
METADATA = b'{"provider_used":"p"}'


def pass_through(data: bytes, cuts: list[int], *, show_usage: bool) -> tuple[bytes, StreamReader]:
    reader = StreamReader(show_usage=show_usage)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(reader.feed(data[start:end]) for start, end in itertools.pairwise(places))
    return out + reader.end(METADATA), reader


@given(st.lists(st.integers(min_value=0), max_size=12), st.booleans(), st.booleans())
def test_any_split_of_a_stream_gives_the_same_output(
    cuts: list[int], show_usage: bool, crlf: bool
) -> None:
    data = b"".join(STREAM)
    whole, _ = pass_through(data, [], show_usage=show_usage)
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    split, reader = pass_through(data, cuts, show_usage=show_usage)
    assert split == whole
    assert reader.counts == Counts(5, 2, total_tokens=7)
    assert reader.is_done


def payloads(out: bytes) -> list[dict[str, object]]:
    return [json.loads(part[6:]) for part in out.split(b"\n\n") if part.startswith(b"data: {")]


def test_usage_is_hidden_from_a_client_that_did_not_ask_and_metadata_rides_on_the_finish() -> None:
    out, _ = pass_through(b"".join(STREAM), [], show_usage=False)
    events = payloads(out)
    assert not any("usage" in one for one in events)
    assert events[-1]["_metadata"] == {"provider_used": "p"}
    assert events[-1]["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]
    assert out.endswith(DONE)


def test_a_client_that_asked_gets_the_usage_event_with_the_metadata_on_it() -> None:
    events = payloads(pass_through(b"".join(STREAM), [], show_usage=True)[0])
    assert events[-1]["usage"] == USAGE
    assert events[-1]["_metadata"] == {"provider_used": "p"}
    assert "_metadata" not in events[-2]


def test_usage_on_the_finish_event_itself_is_read() -> None:
    finish = event(choices=[{"delta": {}, "finish_reason": "stop"}], usage=USAGE)
    _, reader = pass_through(delta("x") + finish + DONE, [], show_usage=False)
    assert reader.counts == Counts(5, 2, total_tokens=7)


def test_the_last_usage_that_is_not_null_wins() -> None:
    early = event(choices=[{"delta": {"content": "x"}}], usage={**USAGE, "completion_tokens": 1})
    null = event(choices=[{"delta": {"content": "y"}}], usage=None)
    _, reader = pass_through(early + null + delta("", "stop") + USAGE_EVENT, [], show_usage=False)
    assert reader.counts == Counts(5, 2, total_tokens=7)


def test_events_after_a_first_finish_keep_their_order() -> None:
    first = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    other = event(choices=[{"index": 1, "delta": {"content": "b"}}])
    second = event(choices=[{"index": 1, "delta": {}, "finish_reason": "stop"}])
    events = payloads(pass_through(first + other + second + DONE, [], show_usage=False)[0])
    assert [one["choices"][0]["index"] for one in events] == [0, 1, 1]  # type: ignore[index]
    assert ["_metadata" in one for one in events] == [False, False, True]


def test_a_bad_line_is_skipped_and_the_stream_goes_on() -> None:
    data = delta("a") + b'data: {"broken\n\n' + delta("b", "stop") + DONE
    reader = StreamReader(show_usage=False)
    out = reader.feed(data) + reader.end(METADATA)
    assert [one["choices"][0]["delta"]["content"] for one in payloads(out)] == ["a", "b"]  # type: ignore[index]


def test_an_error_in_the_stream_stops_it_and_is_not_relayed() -> None:
    reader = StreamReader(show_usage=False)
    out = reader.feed(delta("a") + b'data: {"error":{"message":"key sk-secret"}}\n\n' + delta("b"))
    assert reader.has_error
    assert b"sk-secret" not in out
    assert out == delta("a")


def test_a_stream_without_an_end_is_not_finished() -> None:
    reader = StreamReader(show_usage=False)
    reader.feed(delta("a"))
    assert not reader.is_finished
    reader.feed(delta("b", "stop"))
    assert reader.is_finished
    assert not reader.is_done


@given(st.lists(st.text(max_size=30), max_size=30))
def test_what_was_delivered_counts_as_it_would_in_one_piece(texts: list[str]) -> None:
    reader = StreamReader(show_usage=False)
    for text in texts:
        reader.feed(delta(text))
    assert reader.delivered_tokens() == count_text("".join(texts))


def test_what_was_delivered_is_counted_over_long_streams_too() -> None:
    reader = StreamReader(show_usage=False)
    for _ in range(3000):
        reader.feed(delta("how are you doing these days, dear? " * 3))
    expected = count_text("how are you doing these days, dear? " * 9000)
    assert reader.delivered_tokens() == pytest.approx(expected, rel=0.01)


def test_an_endless_event_is_given_up() -> None:
    reader = StreamReader(show_usage=False)
    for _ in range(16):
        reader.feed(b"x" * (MAX_EVENT_BYTES // 16))
    with pytest.raises(EventTooLong):
        reader.feed(b"x")


def test_a_long_event_under_the_cap_is_relayed() -> None:
    reader = StreamReader(show_usage=False)
    long = delta("x" * 10_000_000)
    half = len(long) // 2
    assert reader.feed(long[:half]) + reader.feed(long[half:]) == long


def test_a_usage_chunk_with_choices_behind_the_finish_carries_the_metadata() -> None:
    usage = b'"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}'
    last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":null}],%b}\n\n' % usage
    reader = StreamReader(show_usage=True)
    out = reader.feed(delta("a") + delta("", "stop") + last + DONE) + reader.end(METADATA)
    *_, finish, behind = payloads(out)
    assert "_metadata" not in finish
    assert "_metadata" in behind
    assert reader.counts == Counts(3, 4, total_tokens=7)
