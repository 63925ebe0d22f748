"""The OpenAPI operations of the routes: raw ASGI handlers are described by hand."""

from __future__ import annotations

from typing import Any

from shared.openapi.doors import HEADERS, MAYBE_TEXT, operation_id

_FIELDS: dict[str, Any] = {
    "input": {"type": ["string", "array"], "description": "A text, or a list of items."},
    "instructions": MAYBE_TEXT,
    "model": {
        "type": ["string", "null"],
        "description": "A listed id, provider/model, a power level, or `auto`.",
    },
    "tools": {"type": "array", "items": {"type": "object"}},
    "text": {"type": ["object", "null"]},
    "reasoning": {"type": ["object", "null"]},
    "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
    "previous_response_id": MAYBE_TEXT,
    "store": {"type": ["boolean", "null"]},
    "stream": {"type": ["boolean", "null"]},
    "models": {"type": "array", "items": {"type": "string"}},
    "power_level": MAYBE_TEXT,
    "task_type": MAYBE_TEXT,
    "max_cost_usd": {"type": ["number", "null"], "description": "As in chat completions."},
    "privacy_required": {"type": ["boolean", "null"]},
}


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
        "operationId": operation_id(path, "CreateResponse"),
        "summary": "Create a response, as OpenAI's API",
        "parameters": HEADERS,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": schema,
                    "example": {"model": "balanced", "input": "Hello"},
                }
            },
        },
        "responses": {"200": answered},
    }
