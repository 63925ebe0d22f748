"""The guard for text that others wrote, before it is kept, logged, labeled, compared or sent in a
header. Never for what is relayed.

A label (a session, a user, an agent) passes in a harmless form; a name is refused by whoever asks
`is_name`. PostgreSQL takes no NUL, UTF-8 no lone surrogate, a header no line break, and a terminal
obeys what it is sent.
"""

from __future__ import annotations

import re

MAX_TEXT = 200
"""Characters of a label or a name; the widest columns that hold one have 200."""

MAX_SAID = 500
"""Characters of a sentence that somebody else wrote, as `llm_usage_logs.error_detail` keeps it."""

_NAME = re.compile(rf"[!-~]{{1,{MAX_TEXT}}}")
# C0, DEL and C1; line and paragraph separators; what turns the direction of the text beside it
# (Unicode's Bidi_Control); halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """At most `limit` characters of `text`, each that is unfit to be kept replaced by U+FFFD."""
    text = text[:limit]
    return text if text.isprintable() else _UNFIT.sub(_REPLACEMENT, text)


def clean_or_none(text: str | None, limit: int = MAX_TEXT) -> str | None:
    """`clean`, of what may not be there; an empty text says nothing and is None."""
    return clean(text, limit) if text else None


def clean_bytes(raw: bytes | None, limit: int = MAX_TEXT) -> str | None:
    """A header's value as text: UTF-8 where it is that; RFC 9110 leaves it open."""
    return clean(raw[: 4 * limit].decode(errors="replace"), limit) if raw else None


def is_name(text: str) -> bool:
    """Whether `text` may name a model or a level: 1 to MAX_TEXT visible ASCII characters."""
    return _NAME.fullmatch(text) is not None


def is_unfit(text: str, *, keeps_lines: bool = True) -> bool:
    """Whether something in `text` would be replaced; tabs and line breaks count if not kept."""
    found = _UNFIT.findall(text)
    return any(one not in "\t\n\r" for one in found) if keeps_lines else bool(found)
