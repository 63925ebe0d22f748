"""A provider's list of its models (GET /models), read for what it says of each. Pure.

OpenAI and Google say ids alone; Anthropic, Groq, Together and Fireworks say more, each in words of
its own. What is not there, or of another type, is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

MOST_MODELS = 5000
_MOST_TOKENS = 2**31 - 1
_GOOGLES = "models/"

# Any other is an API of its own: images, audio, moderation, rerank (docs.together.ai/reference).
_KINDS: Mapping[str, str] = {"chat": "chat", "embedding": "embedding"}
# As the references of Groq, Together, Fireworks and Anthropic have it for this route.
_WINDOWS = ("context_window", "context_length", "max_input_tokens")
_ANSWERS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


class Offered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model of the list; None is not said."""

    id: str
    kind: str | None = None
    context_window: int | None = None
    max_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None


def read_model_list(body: bytes) -> tuple[Offered, ...] | None:
    """In the order of the ids; None for what is not a list of models, or an empty one."""
    try:
        answer: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    listed = _fields(answer).get("data")
    items: object = answer if listed is None else listed
    if not isinstance(items, list):
        return None
    found = {one.id: one for one in _read(cast("list[object]", items)[:MOST_MODELS])}
    return tuple(found[name] for name in sorted(found)) or None


def _read(items: Iterable[object]) -> Iterator[Offered]:
    for item in items:
        fields = _fields(item)
        name = fields.get("id")
        if not (isinstance(name, str) and 0 < len(name) <= 200 and name.isascii()):
            continue
        yield Offered(
            id=name.removeprefix(_GOOGLES),
            kind=_kind(fields),
            context_window=_tokens(fields, _WINDOWS),
            max_tokens=_tokens(fields, _ANSWERS),
            tools=_said(fields.get("supports_tools")),
            vision=_said(fields.get("supports_image_input")),
        )


def _fields(item: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", item) if isinstance(item, dict) else {}


def _kind(fields: Mapping[str, Any]) -> str | None:
    # Anthropic's says "model" of each.
    kind = fields.get("type")
    if isinstance(kind, str) and kind != "model":
        return _KINDS.get(kind, "other")
    return "chat" if fields.get("supports_chat") is True else None


def _tokens(fields: Mapping[str, Any], names: Iterable[str]) -> int | None:
    for name in names:
        value = fields.get(name)
        if type(value) is int and 0 < value <= _MOST_TOKENS:
            return value
    return None


def _said(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
