"""The format that callers of the Responses door speak. Pure."""

from __future__ import annotations

from shared.completion.wire import Wire
from shared.errors import SwitchyardError
from shared.wire.chat.answer import splice
from shared.wire.error_body import encode_error
from shared.wire.responses.errors import error_event
from shared.wire.responses.first_content import has_content
from shared.wire.responses.over import over
from shared.wire.responses.request import decode_responses
from shared.wire.responses.whole_stream import WholeResponse, gather, text_tokens


def _error_body(error: SwitchyardError, _request_id: str) -> bytes:
    return encode_error(error)


RESPONSES = Wire(
    "responses",
    decode_responses,
    over,
    has_content,
    text_tokens,
    WholeResponse,
    gather,
    splice,
    _error_body,
    error_event,
)
