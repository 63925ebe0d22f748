"""Long lists, a part at a time: no page grows with what is in the database. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from shared.errors import InvalidField

ROWS = 25
_MAX_DIGITS = 6


class Part(NamedTuple):
    """Part `number`, from 1, of `last`; `words` are the rest of the page's query."""

    rows: Sequence[Any]
    number: int
    last: int
    total: int
    words: Mapping[str, str]

    def link(self, number: int) -> str:
        """The query of another part."""
        return "?" + urlencode({**self.words, "page": number})


def part_of(rows: Sequence[Any], query: Mapping[str, Any]) -> Part:
    """The part of `rows` that the query's `page` asks for; behind the last there is the last.

    Raises InvalidField for a page that is not a number.
    """
    text = query.get("page") or "1"
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidField("There is no such page; begin with the first.", param="page")
    last = max(1, -(-len(rows) // ROWS))
    number = min(max(int(text), 1), last)
    words = {name: value for name, value in query.items() if value and name not in ("page", "row")}
    return Part(rows[(number - 1) * ROWS : number * ROWS], number, last, len(rows), words)
