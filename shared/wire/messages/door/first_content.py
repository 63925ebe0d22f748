"""Whether a stream of a message has said anything yet: an answer's head waits for that."""

from __future__ import annotations

import msgspec

from shared.wire.parse.lenient import ABSENT, is_nothing
from shared.wire.parse.objects import any_event

_SAYS_NOTHING = frozenset({"message_start", "ping", "content_block_stop"})
_EMPTY = frozenset({"text", "thinking"})


class _Block(msgspec.Struct, frozen=True):
    type: str = ""
    text: msgspec.Raw = ABSENT
    thinking: msgspec.Raw = ABSENT


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    content_block: _Block | None = None


_event = msgspec.json.Decoder(_Event)


def has_content(events: bytes) -> bool:
    """Whether whole events hold more than the start of a message and of an empty block."""
    return any_event(events, _event, _says_something)


def _says_something(event: _Event) -> bool:
    block = event.content_block
    if event.type == "content_block_start" and block is not None:
        is_empty = is_nothing(block.text) and is_nothing(block.thinking)
        return block.type not in _EMPTY or not is_empty
    return event.type not in _SAYS_NOTHING
