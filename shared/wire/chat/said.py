"""What a message or a delta of chat says, read piece by piece by who tells it in other words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from shared.wire.chat.chunk import Said
from shared.wire.parse.lenient import ABSENT, NotJSON, is_nothing, read_json, read_text

THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")
"""What providers call the text of their thoughts."""
_THOUGHTS_IN_PARTS: Final = (
    *(("reasoning_details", "text"), ("reasoning_details", "summary")),
    ("content", "thinking"),
)

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_objects = msgspec.json.Decoder(tuple[dict[str, msgspec.Raw], ...])
_index = msgspec.json.Decoder(int)


def thought_of(said: Said) -> list[msgspec.Raw]:
    """The text of its thoughts, under the first name that has one; raw JSON strings.

    OpenRouter tells them in parts beside their text (openrouter.ai, use-cases/reasoning-tokens),
    Mistral in parts of the content (mistralai/client-python, models/thinkchunk.py).
    """
    for name in THOUGHTS:
        texts = texts_in(said.get(name, ABSENT))
        if texts:
            return texts
    for name, within in _THOUGHTS_IN_PARTS:
        parts = objects_in(said.get(name, ABSENT))
        texts = [text for part in parts for text in texts_in(part.get(within, ABSENT))]
        if texts:
            return texts
    return []


def texts_in(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """A text, or the texts of a list of parts; raw JSON strings, none of them empty."""
    if is_nothing(raw):
        return []
    if bytes(raw)[:1] == b'"':
        return [raw]
    parts = (one.get("text", ABSENT) for one in objects_in(raw))
    return [text for text in parts if bytes(text)[:1] == b'"' and not is_nothing(text)]


def objects_in(raw: msgspec.Raw) -> Iterable[dict[str, msgspec.Raw]]:
    """The objects of a list; none where it is none."""
    try:
        return read_json(_objects, raw) if bytes(raw)[:1] == b"[" else ()
    except NotJSON:
        return ()


def object_in(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return read_json(_fields, raw) if bytes(raw)[:1] == b"{" else {}
    except NotJSON:
        return {}


def arguments_in(function: dict[str, msgspec.Raw]) -> str:
    """The JSON text of a call's arguments; some servers send the object itself."""
    raw = function.get("arguments", ABSENT)
    return read_text(raw) if bytes(raw)[:1] == b'"' else bytes(raw).decode()


def index_of(call: dict[str, msgspec.Raw]) -> int:
    """Which call of several a piece belongs to; 0 where it does not say."""
    try:
        return _index.decode(call["index"])
    except (KeyError, msgspec.DecodeError):
        return 0
