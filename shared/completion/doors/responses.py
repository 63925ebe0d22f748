"""The format that callers of the Responses door speak. Pure."""

from __future__ import annotations

from shared.completion.wire import Wire, error_body
from shared.wire.chat.answer import splice
from shared.wire.responses.errors import error_event
from shared.wire.responses.first_content import has_content
from shared.wire.responses.over import over
from shared.wire.responses.request import decode_responses
from shared.wire.responses.whole_stream import WholeResponse, gather, text_tokens

RESPONSES = Wire(
    "responses",
    decode_responses,
    over,
    has_content,
    text_tokens,
    WholeResponse,
    gather,
    splice,
    error_body,
    error_event,
)
