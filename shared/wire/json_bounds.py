"""How much a JSON text may hold, told in linear time before a decoder makes anything of it.

A text that is not JSON passes, or is refused as too deep or too large: the decoder says the rest.
No regular expression: at C speed a string is told from what is around it by deleting bytes alone,
and piece by piece, so that no single call keeps other threads waiting.
"""

from __future__ import annotations

from itertools import islice

from shared.errors import MalformedBody

MAX_DEPTH = 64
MAX_CONTAINERS = 100_000
"""Arrays and objects in all: 10,000 messages of several parts each, and tools."""
MAX_VALUES = 300_000
"""Values in all: what a decoder makes of as many takes 100 ms."""

_PIECE_BYTES = 1 << 18
_SMALL_BYTES = 1 << 16
_OPENING = b"[{"
_NO_OPENING = bytes(set(range(256)) - set(_OPENING))
_STRUCTURE = b'"[]{},'
_NO_STRUCTURE = bytes(set(range(256)) - set(_STRUCTURE))
# A key and its value, in two quotes each; one that is escaped is not counted.
_MAX_QUOTES = 4 * MAX_VALUES


def check_json(body: bytes) -> None:
    """Raises MalformedBody for more than is allowed: `json_too_deep`, `json_too_large`."""
    if len(body) <= _SMALL_BYTES and len(body.translate(None, _NO_OPENING)) <= MAX_DEPTH:
        return
    commas = brackets = level = quotes = 0
    rest = b""
    for start in range(0, len(body), _PIECE_BYTES):
        piece = rest + body[start : start + _PIECE_BYTES]
        rest = _unfinished_escape(piece)
        structure = _structure(piece[: len(piece) - len(rest)])
        outside, found = _outside_strings(structure, in_string=quotes % 2 == 1)
        only_brackets = outside.replace(b",", b"")
        level = _level_after(only_brackets, level)
        quotes += found
        brackets += len(only_brackets)
        commas += len(outside) - len(only_brackets)
        if brackets > 2 * MAX_CONTAINERS or commas > MAX_VALUES or quotes > _MAX_QUOTES:
            raise MalformedBody(
                f"The body has more than {MAX_VALUES} values or {MAX_CONTAINERS} lists and objects;"
                " send fewer.",
                code="json_too_large",
            )


def _unfinished_escape(piece: bytes) -> bytes:
    """The last backslash of a piece that is cut between it and what it escapes."""
    return b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""


def _structure(piece: bytes) -> bytes:
    """What is left of a piece without escapes: quotes, brackets and commas."""
    if b"\\" in piece:
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
    return piece.translate(None, _NO_STRUCTURE)


def _outside_strings(structure: bytes, *, in_string: bool) -> tuple[bytes, int]:
    """Brackets and commas that are in no string, and how many quotes there were."""
    parts = structure.split(b'"')
    return b"".join(islice(parts, int(in_string), None, 2)), len(parts) - 1


def _level_after(brackets: bytes, level: int) -> int:
    """The nesting behind `brackets`, begun at `level`. Raises MalformedBody at MAX_DEPTH."""
    for bracket in brackets:
        if bracket in _OPENING:
            level += 1
            if level > MAX_DEPTH:
                raise MalformedBody(
                    f"The body is nested more than {MAX_DEPTH} levels deep; flatten it.",
                    code="json_too_deep",
                )
        else:
            level -= 1
    return level
