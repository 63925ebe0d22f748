"""The OpenAPI operation of the route: a raw ASGI handler is described by hand."""

from __future__ import annotations

from typing import Any

_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}

_ERROR: dict[str, Any] = {
    "description": "An error in OpenAI's shape.",
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
        "user": _MAYBE_TEXT,
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

_STATUSES = ("400", "401", "402", "403", "404", "405", "413", "429", "502", "503", "504")


def operation(path: str) -> dict[str, Any]:
    """The operation at `path`; its id is made of it, as Litestar makes those of other routes."""
    words = path.replace("/", " ").title().replace(" ", "")
    return {
        "operationId": f"{words}CreateEmbeddings",
        "summary": "Embed texts, by one model alone",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}},
        "responses": {"200": _ANSWER, **dict.fromkeys(_STATUSES, _ERROR)},
        "security": [{"bearer": []}],
    }
