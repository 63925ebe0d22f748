"""Events of the Messages API as they are written: each with its name, by which the SDKs know it
(anthropic-sdk-python, _streaming.py: an event without one is passed over)."""

from __future__ import annotations

from typing import Final

from shared.wire.chat.answer import splice
from shared.wire.parse.lenient import encode

MESSAGE_DELTA: Final = "message_delta"
STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'


def named_event(name: str, data: bytes) -> bytes:
    """One event that carries `data`, a JSON text: a line feed between its tokens is a blank."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data.replace(b"\n", b" "))


def event(name: str, **fields: object) -> bytes:
    return named_event(name, encode({"type": name, **fields}))


def last_events(message_delta: bytes, metadata: bytes) -> bytes:
    """The end of a stream: its usage, on which `metadata` rides, and its stop."""
    return named_event(MESSAGE_DELTA, splice(message_delta, metadata)) + STOP
