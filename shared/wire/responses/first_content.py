"""Whether a stream of a response has said anything yet: an answer's head waits for that."""

from __future__ import annotations

import msgspec

from shared.wire.parse.lenient import NotJSON, read_json
from shared.wire.parse.sse import END, event_data

_SAYS_NOTHING = frozenset(
    {
        *("response.created", "response.in_progress", "response.queued"),
        *("response.content_part.added", "response.reasoning_summary_part.added"),
    }
)
_EMPTY = frozenset({"message", "reasoning"})


class _Item(msgspec.Struct, frozen=True):
    type: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    item: _Item | None = None


_event = msgspec.json.Decoder(_Event)


def has_content(events: bytes) -> bool:
    """Whether whole events hold more than the start of a response and of an empty item.

    An event that cannot be read counts: it is not for us to hold it back.
    """
    return any(_says_something(one) for one in events.split(END) if one)


def _says_something(one: bytes) -> bool:
    data = event_data(one)
    if data is None:
        return False
    try:
        event = read_json(_event, data)
    except NotJSON:
        return True
    if event.type == "response.output_item.added" and event.item is not None:
        return event.item.type not in _EMPTY
    return event.type not in _SAYS_NOTHING
