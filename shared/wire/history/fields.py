"""A message as its raw fields, and what is asked of them everywhere in this folder."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

Fields: TypeAlias = dict[str, msgspec.Raw]
"""A JSON object whose values are still JSON."""

_encode = msgspec.json.Encoder().encode
_text = msgspec.json.Decoder(str)
objects: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
one_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

NOTHING: Final = frozenset({b"", b"null", b"[]", b'""', b"{}"})
"""Values that say nothing, so that nobody is told that they were left out."""


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


def says_nothing(value: msgspec.Raw | None) -> bool:
    return value is None or bytes(value) in NOTHING


def text_of(value: msgspec.Raw | None) -> str | None:
    """The text of a JSON string; None for any other value."""
    if value is None or not bytes(value).startswith(b'"'):
        return None
    return _text.decode(value)
