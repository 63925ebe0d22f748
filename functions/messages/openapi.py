"""The OpenAPI operations of the routes: raw ASGI handlers are described by hand."""

from __future__ import annotations

from typing import Any

from shared.openapi.doors import HEADERS, MAYBE_TEXT, header, operation_id

_CONTENT: dict[str, Any] = {"type": ["string", "array"]}

_FIELDS: dict[str, Any] = {
    "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    "model": {
        "type": ["string", "null"],
        "description": "A listed id, provider/model, a power level, or `auto`.",
    },
    "system": _CONTENT,
    "tools": {"type": "array", "items": {"type": "object"}},
    "models": {"type": "array", "items": {"type": "string"}},
    "power_level": MAYBE_TEXT,
    "task_type": MAYBE_TEXT,
    "privacy_required": {"type": ["boolean", "null"]},
}

_HEADERS = [
    *HEADERS,
    header("anthropic-version", "Passed on to providers that speak Messages; may be missing."),
    header("anthropic-beta", "Passed on to providers that speak Messages."),
]
_ERROR: dict[str, Any] = {
    "description": "An error in Anthropic's shape.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["type", "error", "request_id"],
                "properties": {
                    "type": {"const": "error"},
                    "error": {
                        "type": "object",
                        "required": ["type", "message", "code", "param"],
                        "properties": {
                            "type": {"type": "string"},
                            "message": {"type": "string"},
                            "code": {"type": "string"},
                            "param": MAYBE_TEXT,
                        },
                    },
                    "request_id": {"type": "string"},
                },
            }
        }
    },
}

_EXAMPLE: dict[str, Any] = {
    "model": "balanced",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


def operation(path: str) -> dict[str, Any]:
    """The operation at `path`; its id is made of it, as Litestar makes those of other routes."""
    more = {
        "max_tokens": {"type": "integer", "minimum": 1},
        "max_cost_usd": {"type": ["number", "null"], "description": "As in chat completions."},
        "stream": {"type": ["boolean", "null"]},
    }
    answered = {
        "description": "The message with `_metadata`; as server-sent events for a stream.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
    return _operation(path, "CreateMessage", "Create a message, as Anthropic's API", more, answered)


def count_operation(path: str) -> dict[str, Any]:
    counted = {
        "type": "object",
        "required": ["input_tokens", "_metadata"],
        "properties": {
            "input_tokens": {"type": "integer"},
            "_metadata": {
                "type": "object",
                "required": ["request_id", "provider_used", "model_used", "estimated"],
                "properties": {
                    "request_id": {"type": "string"},
                    "provider_used": {"type": "string"},
                    "model_used": {"type": "string"},
                    "estimated": {"type": "boolean"},
                },
            },
        },
    }
    answered = {
        "description": "The count; `estimated` where the provider does not count.",
        "content": {"application/json": {"schema": counted}},
    }
    return _operation(path, "CountTokens", "Count the tokens of a request, unbilled", {}, answered)


def _operation(
    path: str, name: str, summary: str, more: dict[str, Any], answered: dict[str, Any]
) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["messages"],
        "additionalProperties": True,
        "properties": {**_FIELDS, **more},
    }
    return {
        "operationId": operation_id(path, name),
        "summary": summary,
        "parameters": _HEADERS,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": _EXAMPLE}},
        },
        "responses": {"200": answered, "400": _ERROR},
    }
