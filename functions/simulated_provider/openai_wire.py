"""Bodies and SSE events as OpenAI writes them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from functions.simulated_provider.answer import Answer
from functions.simulated_provider.refused import Refused

_DONE = b"data: [DONE]\n\n"
_MODELS_CREATED = 1_704_067_200
_FINGERPRINT = "simulated"
_encode = msgspec.json.encode


def error(refused: Refused) -> bytes:
    said = {"message": str(refused), "type": "invalid_request_error"}
    return _encode({"error": said | {"param": refused.param, "code": refused.code}})


def _model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": _MODELS_CREATED,
        "owned_by": "simulated-provider",
    }


def model_list(names: Sequence[str]) -> bytes:
    return _encode({"object": "list", "data": [_model(name) for name in names]})


def model_card(name: str) -> bytes:
    return _encode(_model(name))


def key_info(last4: str) -> bytes:
    """OpenRouter's `GET /key`: no limit, nothing spent."""
    return _encode(
        {
            "data": {
                "label": f"simulated-...{last4}",
                "usage": 0,
                "limit": None,
                "limit_remaining": None,
                "is_free_tier": False,
                "is_provisioning_key": False,
                "rate_limit": {"requests": -1, "interval": "10s"},
            }
        }
    )


def usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _head(kind: str, model_name: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-sim-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model_name,
        "system_fingerprint": _FINGERPRINT,
    }


def _call_id() -> str:
    return f"call_sim_{secrets.token_hex(8)}"


def completion(answer: Answer, model_name: str) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.calls:
        message["content"] = None
        message["tool_calls"] = [
            {
                "id": _call_id(),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.calls
        ]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    body = _head("chat.completion", model_name) | {"choices": [choice]}
    return _encode(body | {"usage": usage(answer)})


def events(answer: Answer, model_name: str, *, shows_usage: bool) -> list[bytes]:
    """Every SSE event of the answer, `[DONE]` the last.

    With usage one more event reports it and all others say `"usage": null`.
    """
    # Of a thousand events only the delta differs: what surrounds it is encoded once.
    head = b"data: " + _encode(_head("chat.completion.chunk", model_name))[:-1]
    tail = b',"usage":null}\n\n' if shows_usage else b"}\n\n"
    before = head + b',"choices":[{"index":0,"delta":'
    after = b',"logprobs":null,"finish_reason":null}]' + tail
    deltas = _tool_deltas(answer) if answer.calls else _text_deltas(answer)
    made = [before + delta + after for delta in deltas]
    reason = _encode(answer.finish_reason)
    made.append(before + b'{},"logprobs":null,"finish_reason":' + reason + b"}]" + tail)
    if shows_usage:
        made.append(head + b',"choices":[],"usage":' + _encode(usage(answer)) + b"}\n\n")
    made.append(_DONE)
    return made


def _text_deltas(answer: Answer) -> list[bytes]:
    role = b'{"role":"assistant","content":"","refusal":null}'
    return [role, *(b'{"content":' + _encode(piece) + b"}" for piece in answer.pieces)]


def _tool_deltas(answer: Answer) -> list[bytes]:
    """One call after the other, each in pieces; the role comes with the first."""
    deltas: list[dict[str, Any]] = []
    for place, call in enumerate(answer.calls):
        function = {"name": call.name, "arguments": ""}
        start = {"index": place, "id": _call_id(), "type": "function", "function": function}
        begun = {"role": "assistant", "content": None} if place == 0 else {}
        deltas.append({**begun, "tool_calls": [start]})
        deltas += (
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in call.pieces
        )
    return [_encode(delta) for delta in deltas]
