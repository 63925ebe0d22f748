"""Lists by pages: the cursor is the id of the last row shown, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from shared.errors import InvalidField

MAX_LIMIT = 1000
_TOO_LONG = len(str(2**63))


class _Row(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=_Row)


T = TypeVar("T")


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A list as routes answer it. `next_cursor` asks for the next page; null: this is the last."""

    data: list[T]
    object: str = "list"
    next_cursor: str | None = None


def read_cursor(text: str | None) -> int | None:
    """Raises InvalidField for what `next_cursor` could not have been."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < _TOO_LONG):
        raise InvalidField(
            "The cursor is invalid; leave it out to start from the first page.", param="cursor"
        )
    return int(text)


def read_limit(limit: int) -> int:
    """Raises InvalidField for a page of no rows, or of too many."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidField(f"limit must be from 1 to {MAX_LIMIT}.", param="limit")
    return limit


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], str | None]:
    """The page out of `limit` + 1 rows that were asked for, and its next_cursor."""
    page = rows[:limit]
    return page, str(page[-1].id) if len(rows) > limit else None
