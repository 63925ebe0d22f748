"""Every recorded stream, in every shape, cut at every byte, is read as the same stream."""

from __future__ import annotations

import pytest

from shared.wire.usage import Usage
from tests.wire.shapes import SHAPES, plain
from tests.wire.streams import billed, joined, read, recorded, text_of

STREAMS = recorded()


def test_every_dialect_has_streams() -> None:
    assert {one.dialect for one in STREAMS.values()} == {"openai", "anthropic"}
    assert len(STREAMS) >= 20


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_the_same_in_every_shape_and_cut_at_every_byte(name: str, shape: str) -> None:
    stream = STREAMS[name]
    data = SHAPES[shape](stream.events)
    expected = read(stream, [plain(stream.events)], show_usage=True)
    for cut in range(len(data) + 1):
        got = read(stream, [data[:cut], data[cut:]], show_usage=True)
        assert got.is_as(expected), f"cut at {cut}"


@pytest.mark.parametrize("show_usage", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_comes_byte_by_byte_is_the_same(
    name: str, shape: str, show_usage: bool
) -> None:
    stream = STREAMS[name]
    data = SHAPES[shape](stream.events)
    expected = read(stream, [plain(stream.events)], show_usage=show_usage)
    pieces = [data[at : at + 1] for at in range(len(data))]
    assert read(stream, pieces, show_usage=show_usage).is_as(expected)


@pytest.mark.parametrize("name", [name for name, one in STREAMS.items() if one.expected])
def test_a_stream_says_and_costs_what_its_record_says(name: str) -> None:
    stream = STREAMS[name]
    assert stream.expected is not None
    got = read(stream, [plain(stream.events)], show_usage=True)
    assert text_of(got) == joined(stream.expected["text"])
    usage = stream.expected["usage"]
    assert billed(got) == (None if usage is None else Usage(**usage))
    is_finished, _, has_error = got.ended
    assert has_error == stream.expected.get("has_error", False)
    assert is_finished != (has_error or stream.expected.get("is_cut", False))
