"""What the operations of all doors say alike: a raw ASGI handler is described by hand.

Their refusals are `document.py`'s, with OpenAI's shape unless a door declares its 400.
"""

from __future__ import annotations

from typing import Any

MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}


def operation_id(path: str, name: str) -> str:
    """Made of its path, as Litestar makes those of other routes."""
    return path.replace("/", " ").replace("_", " ").title().replace(" ", "") + name


def header(name: str, description: str) -> dict[str, Any]:
    """A header that may be left out."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


HEADERS: list[dict[str, Any]] = [
    header("X-Power-Level", "eco, balanced, precision or auto; the body's field wins."),
    header("X-Task-Type", "A task type that routing rules may name."),
    header("X-Session-Id", "Requests of one session stay at one provider."),
    header("X-Quote-Id", "A quote of POST /api/v1/llm/quote for this body; it is used up by it."),
]
"""Of each door that chooses by level."""
