"""Every recorded stream, how each is read, and what a client gets of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.wire.dialect import Reader, dialect_of
from shared.wire.parse.sse import event_data
from shared.wire.provider import ANTHROPIC, OPENAI, Auth
from shared.wire.usage import Counts, Usage, settle

RECORDED = Path(__file__).parents[1] / "recorded"
METADATA = b'{"provider_used":"p"}'


class Stream(NamedTuple):
    """`events` are without the blank line behind each; `expected` is what the case says of it."""

    slug: str
    dialect: str
    events: tuple[bytes, ...]
    expected: Mapping[str, Any] | None

    def reader(self, *, show_usage: bool) -> Reader:
        return dialect_of(self.dialect, self.slug, Auth.BEARER).reader(
            show_usage=show_usage, created=1
        )


class Read(NamedTuple):
    """What came out, and what is known at the end. `ended`: is_finished, is_done, has_error."""

    out: bytes
    counts: Counts | None
    model: str | None
    tier: str | None
    ended: tuple[bool, bool, bool]

    def is_as(self, other: Read) -> bool:
        """Whether a client and the bill see the same: the same data of each event, in order."""
        if self.out == other.out:
            return self[1:] == other[1:]
        return self[1:] == other[1:] and _data(self.out) == _data(other.out)


def recorded() -> Mapping[str, Stream]:
    """By `<provider>/<case>`."""
    streams: dict[str, Stream] = {}
    for path in sorted(RECORDED.glob("*/*")):
        case: dict[str, Any] = {}
        if path.suffix == ".json" and "events" in (case := json.loads(path.read_text("utf-8"))):
            events = tuple(event.encode() for event in case["events"])
            dialect = case.get("dialect", OPENAI)
        elif path.suffix == ".sse":
            events = tuple(event for event in path.read_bytes().split(b"\n\n") if event)
            dialect = ANTHROPIC
        else:
            continue
        slug = path.parent.name
        expected = case["expected"] if path.suffix == ".json" else None
        streams[f"{slug}/{path.stem}"] = Stream(slug, dialect, events, expected)
    return streams


def read(stream: Stream, pieces: Sequence[bytes], *, show_usage: bool) -> Read:
    """Feed the pieces to the stream's reader as socket reads, and end it as the gateway does."""
    reader = stream.reader(show_usage=show_usage)
    out = b"".join(reader.feed(piece) for piece in pieces) + reader.close()
    if not reader.has_error:
        out += reader.end(METADATA)
    ended = (reader.is_finished, reader.is_done, reader.has_error)
    return Read(out, reader.counts, reader.model, reader.service_tier, ended)


def _data(out: bytes) -> list[Any]:
    """Comments are left out: they say nothing, and a reader may drop or add one."""
    events = [event.strip(b"\n") for event in out.split(b"\n\n")]
    data = [event_data(event) for event in events]
    return [one if one == b"[DONE]" else json.loads(one) for one in data if one]


def text_of(got: Read) -> str:
    """What a client joins."""
    chunks = [one for one in _data(got.out) if one != b"[DONE]"]
    deltas = [choice["delta"] for one in chunks for choice in one.get("choices") or ()]
    pieces = [delta.get("content") for delta in deltas]
    return joined("".join(piece for piece in pieces if isinstance(piece, str)))


def joined(text: str) -> str:
    """With the two halves of each surrogate pair as one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def billed(got: Read) -> Usage | None:
    return None if got.counts is None else settle(got.counts, lambda: 0, lambda: 0)
