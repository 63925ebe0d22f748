"""The OpenAPI operations of the routes: raw ASGI handlers are described by hand."""

from __future__ import annotations

from typing import Any

_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}

_FIELDS: dict[str, Any] = {
    "input": {"type": ["string", "array"], "description": "A text, or a list of items."},
    "instructions": _MAYBE_TEXT,
    "model": {
        "type": ["string", "null"],
        "description": "A listed id, provider/model, a power level, or `auto`.",
    },
    "tools": {"type": "array", "items": {"type": "object"}},
    "text": {"type": ["object", "null"]},
    "reasoning": {"type": ["object", "null"]},
    "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
    "previous_response_id": _MAYBE_TEXT,
    "store": {"type": ["boolean", "null"]},
    "stream": {"type": ["boolean", "null"]},
    "models": {"type": "array", "items": {"type": "string"}},
    "power_level": _MAYBE_TEXT,
    "task_type": _MAYBE_TEXT,
    "max_cost_usd": {"type": ["number", "null"], "description": "As in chat completions."},
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
    )
]

_ERROR: dict[str, Any] = {
    "description": "An error.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["message", "type", "param", "code"],
                        "properties": {
                            "message": {"type": "string"},
                            "type": {"type": "string"},
                            "param": _MAYBE_TEXT,
                            "code": {"type": "string"},
                        },
                    }
                },
            }
        }
    },
}
ERRORS: dict[str, Any] = dict.fromkeys(
    ("400", "401", "402", "403", "404", "405", "413", "429", "502", "503", "504"), _ERROR
)


def operation(path: str) -> dict[str, Any]:
    """The operation at `path`; its id is made of it, as Litestar makes those of other routes."""
    schema = {"type": "object", "additionalProperties": True, "properties": _FIELDS}
    answered = {
        "description": "The response with `_metadata`; as server-sent events for a stream.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
    return {
        "operationId": f"{operation_words(path)}CreateResponse",
        "summary": "Create a response, as OpenAI's API",
        "parameters": _HEADERS,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": schema,
                    "example": {"model": "balanced", "input": "Hello"},
                }
            },
        },
        "responses": {"200": answered, **ERRORS},
    }


def operation_words(path: str) -> str:
    return path.replace("/", " ").replace("_", " ").title().replace(" ", "")
