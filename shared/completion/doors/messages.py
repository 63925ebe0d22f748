"""The format that callers of the Messages door speak. Pure."""

from __future__ import annotations

from shared.completion.wire import Wire
from shared.wire.chat.answer import splice
from shared.wire.messages.door.errors import encode_error, error_event
from shared.wire.messages.door.first_content import has_content
from shared.wire.messages.door.over import over, over_beta
from shared.wire.messages.door.request import decode_messages
from shared.wire.messages.door.whole_stream import WholeMessage, gather, text_tokens

MESSAGES = Wire(
    "messages",
    decode_messages,
    over,
    has_content,
    text_tokens,
    WholeMessage,
    gather,
    splice,
    encode_error,
    error_event,
)

_BETA = MESSAGES._replace(over=over_beta)


def wire_of(query: bytes) -> Wire:
    """The door's wire for a request with that query string."""
    return _BETA if b"beta=true" in query else MESSAGES
