"""Events of the Messages API as they are written: each with its name, by which the SDKs know it
(anthropic-sdk-python, _streaming.py: an event without one is passed over)."""

from __future__ import annotations

from typing import Final

from shared.wire.chat.answer import splice
from shared.wire.parse.sse import named_event

MESSAGE_DELTA: Final = "message_delta"
STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'


def last_events(message_delta: bytes, metadata: bytes) -> bytes:
    """The end of a stream: its usage, on which `metadata` rides, and its stop."""
    return named_event(MESSAGE_DELTA, splice(message_delta, metadata)) + STOP
