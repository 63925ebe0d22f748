"""Whether a stream has said anything yet: an answer's head waits for that, not for any event."""

from __future__ import annotations

from shared.wire.chat.chunk import read_chunk
from shared.wire.parse.lenient import NotJSON
from shared.wire.parse.sse import END, event_data


def has_content(events: bytes) -> bool:
    """Whether whole events of OpenAI's wire hold more than a role, comments and empty deltas.

    An event that cannot be read counts: it is not for us to hold it back.
    """
    start, end = 0, events.find(END)
    while end >= 0:
        if _says_something(events[start:end]):
            return True
        start = end + len(END)
        end = events.find(END, start)
    return _says_something(events[start:])


def _says_something(event: bytes) -> bool:
    data = event_data(event)
    if data is None:
        return False
    if data == b"[DONE]":
        return True
    try:
        chunk = read_chunk(data)
    except NotJSON:
        return True
    return chunk.has_content or chunk.finish_reason is not None
