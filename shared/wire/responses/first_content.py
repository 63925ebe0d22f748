"""Whether a stream of a response has said anything yet: an answer's head waits for that."""

from __future__ import annotations

import msgspec

from shared.wire.parse.objects import any_event

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
    """Whether whole events hold more than the start of a response and of an empty item."""
    return any_event(events, _event, _says_something)


def _says_something(event: _Event) -> bool:
    if event.type == "response.output_item.added" and event.item is not None:
        return event.item.type not in _EMPTY
    return event.type not in _SAYS_NOTHING
