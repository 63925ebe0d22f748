"""Token counting: the request that asks for it, and its answer (anthropic-sdk-python,
types/message_count_tokens_params.py; a field that is not known there is answered with 400)."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.messages.door.request import MessagesRequest
from shared.wire.translated import Translated

_COUNTED: Final = (
    *("messages", "system", "tools", "tool_choice", "thinking", "cache_control", "output_config"),
    *("context_management", "mcp_servers", "speed"),
)
_OK: Final = 200


class _Answer(msgspec.Struct, frozen=True):
    input_tokens: int


_answer = msgspec.json.Decoder(_Answer)


def write_count(request: ChatRequest, model_id: str) -> Translated:
    fields = {name: request.fields[name] for name in _COUNTED if name in request.fields}
    head = request.head if isinstance(request, MessagesRequest) else b""
    return Translated(encode_fields({"model": raw_json(model_id), **fields}), head=head)


def read_count(status: int, body: bytes) -> int | None:
    """None where the answer is no count."""
    if status != _OK:
        return None
    try:
        return _answer.decode(body).input_tokens
    except msgspec.DecodeError:
        return None
