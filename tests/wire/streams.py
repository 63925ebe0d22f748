"""Every recorded stream, how each is read, and what a client gets of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.wire.dialect import Reader, dialect_of
from shared.wire.parse.sse import event_data
from shared.wire.provider import ANTHROPIC, OPENAI

RECORDED = Path(__file__).parents[1] / "recorded"
METADATA = b'{"provider_used":"p"}'


class Stream(NamedTuple):
    """`events` are without the blank line behind each."""

    slug: str
    dialect: str
    events: tuple[bytes, ...]

    def reader(self, *, show_usage: bool) -> Reader:
        return dialect_of(self.dialect, self.slug).reader(show_usage=show_usage, created=1)


class Read(NamedTuple):
    """What came out, and what is known at the end. `ended`: is_finished, is_done, has_error."""

    out: bytes
    usage: object
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
        if path.suffix == ".json" and "events" in (case := json.loads(path.read_text("utf-8"))):
            events = tuple(event.encode() for event in case["events"])
            dialect = OPENAI
        elif path.suffix == ".sse":
            events = tuple(event for event in path.read_bytes().split(b"\n\n") if event)
            dialect = ANTHROPIC
        else:
            continue
        slug = path.parent.name
        streams[f"{slug}/{path.stem}"] = Stream(slug, dialect, events)
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
