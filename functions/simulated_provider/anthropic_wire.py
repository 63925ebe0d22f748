"""Bodies and SSE events as Anthropic's Messages API writes them.

Shapes: anthropic 2.13.0 `types/` (message, usage, raw_*_event, model_info, shared/error_response);
the order of the events: platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from functions.simulated_provider.answer import Answer

_encode = msgspec.json.encode
# platform.claude.com/docs/en/api/errors; the SDK's shared/error_type.py.
_ERROR_TYPES = {
    401: "authentication_error",
    404: "not_found_error",
}
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_MODELS_CREATED = "2024-01-01T00:00:00Z"


def error(status: int, message: str, request_id: str) -> bytes:
    kind = _ERROR_TYPES.get(status, "invalid_request_error")
    said = {"type": kind, "message": message}
    return _encode({"type": "error", "error": said, "request_id": request_id})


def _event(kind: str, body: bytes) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": _MODELS_CREATED,
        "lifecycle": "active",
    }


def model_list(names: Sequence[str]) -> bytes:
    """One page of all (the SDK's pagination.py, SyncPage)."""
    return _encode(
        {
            "data": [_model(name) for name in names],
            "has_more": False,
            "first_id": names[0],
            "last_id": names[-1],
        }
    )


def model_card(name: str) -> bytes:
    return _encode(_model(name))


def message(answer: Answer, model_name: str) -> bytes:
    body = _message(model_name, _content(answer), _STOP_REASONS[answer.finish_reason])
    usage = _usage(answer, answer.completion_tokens) | {"service_tier": "standard"}
    return _encode(body | {"usage": usage})


def events(answer: Answer, model_name: str) -> list[bytes]:
    """Every SSE event of the answer.

    The usage of `message_delta` is cumulative: it repeats the start's prompt tokens.
    """
    usage = _usage(answer, 1) | {"service_tier": "standard"}
    begun = _message(model_name, [], None) | {"usage": usage}
    ended: dict[str, Any] = {
        "type": "message_delta",
        "delta": {"stop_reason": _STOP_REASONS[answer.finish_reason], "stop_sequence": None},
        "usage": _usage(answer, answer.completion_tokens),
    }
    return [
        _event("message_start", _encode({"type": "message_start", "message": begun})),
        *_blocks(answer),
        _event("message_delta", _encode(ended)),
        _event("message_stop", b'{"type":"message_stop"}'),
    ]


def _message(model_name: str, content: list[Any], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": f"msg_sim_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": model_name,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }


def _usage(answer: Answer, output_tokens: int) -> dict[str, Any]:
    """`input_tokens` has no cached tokens in it; here there are none."""
    return {
        "input_tokens": answer.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


def _content(answer: Answer) -> list[dict[str, Any]]:
    if not answer.calls:
        return [_empty_block(None) | {"text": answer.text}]
    return [
        _empty_block(call.name) | {"input": _arguments(call.arguments)} for call in answer.calls
    ]


def _arguments(text: str) -> Any:
    """`input` is always an object: arguments that max_tokens shortened are none."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}


def _empty_block(tool: str | None) -> dict[str, Any]:
    if tool is None:
        return {"type": "text", "text": ""}
    tool_id = f"toolu_sim_{secrets.token_hex(8)}"
    return {"type": "tool_use", "id": tool_id, "name": tool, "input": {}}


def _blocks(answer: Answer) -> list[bytes]:
    """One block after the other; a ping in the first, as in the documentation's example."""
    made: list[bytes] = []
    for place, call in enumerate(answer.calls or (None,)):
        start: dict[str, Any] = {"type": "content_block_start", "index": place}
        start["content_block"] = _empty_block(call and call.name)
        made.append(_event("content_block_start", _encode(start)))
        if place == 0:
            made.append(_event("ping", b'{"type":"ping"}'))
        words = answer.pieces if call is None else call.pieces
        made += _deltas(words, place, is_tool=call is not None)
        stop = b'{"type":"content_block_stop","index":%d}' % place
        made.append(_event("content_block_stop", stop))
    return made


def _deltas(words: Sequence[str], place: int, *, is_tool: bool) -> list[bytes]:
    """A tool's arguments begin with an empty piece, as in the documentation's example."""
    before = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
        % place
    )
    if not is_tool:
        start = before + b'{"type":"text_delta","text":'
    else:
        start = before + b'{"type":"input_json_delta","partial_json":'
        words = ["", *words]
    return [start + _encode(word) + b"}}\n\n" for word in words]
