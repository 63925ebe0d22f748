"""Laws of cutting socket reads into events."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.events import StreamReader
from shared.wire.parse.sse import END, EventFrames, event_data

LINE_ENDS = [b"\n", b"\r\n", b"\r"]


@given(
    st.lists(st.text("ab: \t", max_size=8).map(str.encode), max_size=8),
    st.lists(st.integers(min_value=0), max_size=12),
    st.sampled_from(LINE_ENDS),
)
def test_any_split_and_any_line_end_gives_the_same_events(
    lines: list[bytes], cuts: list[int], line_end: bytes
) -> None:
    stream = b"\n".join(b"data: " + line for line in lines) + END + b"data: last\n\nrest"
    data = stream.replace(b"\n", line_end)
    frames = EventFrames()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(frames.take(data[start:end]) for start, end in itertools.pairwise(places))
    assert out == stream.removesuffix(b"rest")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        pytest.param(b"data: x", b"x", id="one blank behind the colon is taken away"),
        pytest.param(b"data:  x", b" x", id="a second blank is kept"),
        pytest.param(b"data:x", b"x", id="no blank is needed"),
        pytest.param(b"event: e\ndata: a\ndata: b", b"a\nb", id="several data lines are joined"),
        pytest.param(b"\xef\xbb\xbfdata: x", b"x", id="a byte order mark is skipped"),
        pytest.param(b": comment", None, id="a comment has no data"),
        pytest.param(b"event: ping", None, id="an event may have none"),
    ],
)
def test_the_data_of_an_event(event: bytes, data: bytes | None) -> None:
    assert event_data(event) == data


def test_a_chunk_over_several_data_lines_leaves_on_one() -> None:
    reader = StreamReader(show_usage=False)
    chunk = {"choices": [{"delta": {"content": "a"}}], "usage": {}}
    out = reader.feed(
        b"data: %b\n\n" % json.dumps(chunk, indent=1).replace("\n", "\ndata: ").encode()
    )
    assert json.loads(out.removeprefix(b"data: ")) == chunk
    assert out.count(b"\n") == 2
