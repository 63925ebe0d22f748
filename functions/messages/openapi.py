"""The OpenAPI operations of the routes: raw ASGI handlers are described by hand."""

from __future__ import annotations

from typing import Any

_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
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
    "power_level": _MAYBE_TEXT,
    "task_type": _MAYBE_TEXT,
    "privacy_required": {"type": ["boolean", "null"]},
}

_HEADERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }
    for name, description in (
        ("X-Power-Level", "eco, balanced, precision or auto; the body's field wins."),
        ("X-Task-Type", "A task type that routing rules may name."),
        ("X-Session-Id", "Requests of one session stay at one provider."),
        ("anthropic-version", "Passed on to providers that speak Messages; may be missing."),
        ("anthropic-beta", "Passed on to providers that speak Messages."),
    )
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
                            "param": _MAYBE_TEXT,
                        },
                    },
                    "request_id": {"type": "string"},
                },
            }
        }
    },
}
_ERRORS: dict[str, Any] = dict.fromkeys(
    ("400", "401", "402", "403", "404", "405", "413", "429", "502", "503", "504"), _ERROR
)


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
    words = path.replace("/", " ").replace("_", " ").title().replace(" ", "")
    schema = {
        "type": "object",
        "required": ["messages"],
        "additionalProperties": True,
        "properties": {**_FIELDS, **more},
    }
    return {
        "operationId": f"{words}{name}",
        "summary": summary,
        "parameters": _HEADERS,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": _EXAMPLE}},
        },
        "responses": {"200": answered, **_ERRORS},
    }
