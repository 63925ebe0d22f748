"""The OpenAPI operation of the route: a raw ASGI handler is described by hand."""

from __future__ import annotations

from typing import Any

from shared.openapi.doors import MAYBE_TEXT, operation_id

_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["input"],
    "additionalProperties": True,
    "properties": {
        "input": {
            "type": ["string", "array"],
            "description": "A text, or a list of up to 2048 texts, or token arrays.",
        },
        "model": {
            "type": ["string", "null"],
            "description": "An embedding model: a listed id, provider/model, or an alias.",
        },
        "models": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Other names of the same model, for when it fails.",
        },
        "dimensions": {"type": ["integer", "null"], "minimum": 1},
        "encoding_format": {"enum": ["float", "base64", None]},
        "user": MAYBE_TEXT,
        "max_cost_usd": {"type": ["number", "null"], "description": "As in chat completions."},
        "privacy_required": {"type": ["boolean", "null"]},
    },
}

_ANSWER: dict[str, Any] = {
    "description": "The list of vectors, with `_metadata`.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["object", "data", "_metadata"],
                "properties": {
                    "object": {"const": "list"},
                    "data": {"type": "array", "items": {"type": "object"}},
                    "model": {"type": "string"},
                    "usage": {"type": "object"},
                    "_metadata": {"type": "object"},
                },
            }
        }
    },
}


def operation(path: str) -> dict[str, Any]:
    """The operation at `path`; its id is made of it, as Litestar makes those of other routes."""
    return {
        "operationId": operation_id(path, "CreateEmbeddings"),
        "summary": "Embed texts, by one model alone",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}},
        "responses": {"200": _ANSWER},
        "security": [{"bearer": []}],
    }
