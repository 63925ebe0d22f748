"""Bodies and SSE events as OpenAI writes them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from functions.simulated_provider.answer import Answer, pieces

DONE = b"data: [DONE]\n\n"
MODELS_CREATED = 1_704_067_200
_FINGERPRINT = "simulated"
_encode = msgspec.json.encode


def error(
    message: str,
    kind: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
) -> bytes:
    return _encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def status_error(status: int) -> bytes:
    """The error a provider would send with `status`."""
    kind, code = "invalid_request_error", None
    if status == 401:
        code = "invalid_api_key"
    elif status == 404:
        code = "model_not_found"
    elif status == 429:
        kind, code = "requests", "rate_limit_exceeded"
    elif status >= 500:
        kind = "server_error"
    return error(f"Simulated error {status}, as the request asked for.", kind, code)


def model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": MODELS_CREATED,
        "owned_by": "simulated-provider",
    }


def model_list(names: Sequence[str]) -> bytes:
    return _encode({"object": "list", "data": [model(name) for name in names]})


def model_card(name: str) -> bytes:
    return _encode(model(name))


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


def completion(
    answer: Answer,
    model_name: str,
    usage: dict[str, Any] | None,
    more: dict[str, Any] | None = None,
) -> bytes:
    """`more`: fields of the body beside OpenAI's, or in place of them."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tools:
        message["content"] = None
        message["tool_calls"] = [
            {
                "id": _call_id(),
                "type": "function",
                "function": {"name": tool, "arguments": answer.text},
            }
            for tool in answer.tools
        ]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    body = _head("chat.completion", model_name) | {"choices": [choice]}
    if more is not None:
        body |= more
    if usage is not None:
        body["usage"] = usage
    return _encode(body)


def chunk(model_name: str, more: dict[str, Any]) -> bytes:
    """The data of one event of a stream: its head and `more`."""
    return _encode(_head("chat.completion.chunk", model_name) | more)


def with_field(event: bytes, name: str, value: Any) -> bytes:
    """The event with one more field at the end of its object."""
    return event[:-3] + b"," + _encode(name) + b":" + _encode(value) + b"}\n\n"


def events(
    answer: Answer,
    model_name: str,
    most: int | None,
    usage: dict[str, Any] | None,
    more: dict[str, Any] | None = None,
) -> list[bytes]:
    """Every SSE event of the answer, `[DONE]` the last. `most`: of those that carry content.

    With `usage` one more event reports it and all others say `"usage": null`. `more`: fields of
    every event beside OpenAI's, or in place of them.
    """
    # Of a thousand events only the delta differs: what surrounds it is encoded once.
    head = b"data: " + chunk(model_name, more or {})[:-1]
    tail = b"}\n\n" if usage is None else b',"usage":null}\n\n'
    before = head + b',"choices":[{"index":0,"delta":'
    after = b',"logprobs":null,"finish_reason":null}]' + tail
    deltas = _tool_deltas(answer, most) if answer.tools else _text_deltas(answer, most)
    made = [before + delta + after for delta in deltas]
    reason = _encode(answer.finish_reason)
    made.append(before + b'{},"logprobs":null,"finish_reason":' + reason + b"}]" + tail)
    if usage is not None:
        made.append(head + b',"choices":[],"usage":' + _encode(usage) + b"}\n\n")
    made.append(DONE)
    return made


def _text_deltas(answer: Answer, most: int | None) -> list[bytes]:
    role = b'{"role":"assistant","content":"","refusal":null}'
    words = pieces(answer.text, most)
    return [role, *(b'{"content":' + _encode(word) + b"}" for word in words)]


def _tool_deltas(answer: Answer, most: int | None) -> list[bytes]:
    """One call after the other, each in pieces; the role comes with the first."""
    deltas: list[dict[str, Any]] = []
    for place, tool in enumerate(answer.tools):
        function = {"name": tool, "arguments": ""}
        call = {"index": place, "id": _call_id(), "type": "function", "function": function}
        begun = {"role": "assistant", "content": None} if place == 0 else {}
        deltas.append({**begun, "tool_calls": [call]})
        deltas += (
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in pieces(answer.text, most)
        )
    return [_encode(delta) for delta in deltas]
