"""The OpenAPI operation of the route: a raw ASGI handler is described by hand."""

from __future__ import annotations

from typing import Any

from shared.openapi.doors import HEADERS, operation_id

_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["messages"],
    "additionalProperties": True,
    "properties": {
        "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "model": {
            "type": ["string", "null"],
            "description": "A listed id, provider/model, a power level, or `auto`.",
        },
        "models": {"type": "array", "items": {"type": "string"}},
        "power_level": {"type": ["string", "null"]},
        "task_type": {"type": ["string", "null"]},
        "max_cost_usd": {
            "type": ["number", "null"],
            "description": (
                "The most that the request may cost: the answer is shortened to what is left, and a"
                " model that is too dear is not asked. It bounds all `n` answers, the prompt at"
                " 1.25 times its estimate and 16 tokens a message, images at the most tokens that"
                " the provider documents, and the dearest rates that may hold: cache writes, a"
                " long prompt's, the service tier's that is asked for. A field with a price of its"
                " own (searches, plugins, audio answers) is refused beside it. Not covered: an"
                " earlier attempt that broke off, thoughts that a provider counts beside"
                " max_tokens, a service tier that nobody asked for, and what OpenRouter invoices"
                " above its list price."
            ),
        },
        "privacy_required": {"type": ["boolean", "null"]},
        "stream": {"type": ["boolean", "null"]},
    },
}


_EXAMPLE: dict[str, Any] = {
    "model": "balanced",
    "messages": [{"role": "user", "content": "Hello"}],
}
_ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1795910400,
    "model": "my-model",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello! How can I help?"},
        }
    ],
    "usage": {"prompt_tokens": 6, "completion_tokens": 7, "total_tokens": 13},
    "_metadata": {
        "request_id": "01a20e6d-6b2e-7f3a-9c55-0a3d9c1f2b47",
        "provider_used": "local",
        "model_used": "my-model",
        "power_level": "balanced",
        "cost_incurred": 0.000091,
        "key_source": "platform",
    },
}


_OPERATION: dict[str, Any] = {
    "summary": "Create a chat completion, routed by power level or model",
    "parameters": HEADERS,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _REQUEST, "example": _EXAMPLE}},
    },
    "responses": {
        "200": {
            "description": "The completion with `_metadata`; as server-sent events for a stream.",
            "content": {
                "application/json": {"schema": {"type": "object"}, "example": _ANSWER},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
    },
}


def operation(path: str) -> dict[str, Any]:
    """The operation at `path`; its id is made of it, as Litestar makes those of other routes."""
    return {"operationId": operation_id(path, "CreateChatCompletion"), **_OPERATION}
