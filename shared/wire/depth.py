"""How deep a JSON text nests, told without recursion, before a decoder that recurses sees it."""

from __future__ import annotations

import re

MAX_DEPTH = 64

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_BRACKET = re.compile(rb"[^\[\]{}]+")


def is_too_deep(body: bytes) -> bool:
    """Whether `body` nests deeper than MAX_DEPTH. Counts exactly only where it could be."""
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    return depth(body) > MAX_DEPTH


def depth(body: bytes) -> int:
    """The deepest nesting of arrays and objects; brackets inside strings do not count.

    A text that is not JSON gets some number: the decoder is the one that refuses it.
    """
    brackets = _NOT_BRACKET.sub(b"", _STRING.sub(b"", body))
    deepest = level = 0
    for bracket in brackets:
        if bracket in b"{[":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest
