"""Parts of an answer that are sent one after the other, where chat lets them come by turns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import msgspec

from shared.wire.parse.lenient import NotJSON, loads, read_text


class Part(ABC):
    """`has_begun`: its start is out."""

    has_begun = False

    @property
    def may_begin(self) -> bool:
        return True

    @property
    def is_whole(self) -> bool:
        """Whether nothing more can belong to it once another has begun."""
        return True

    @abstractmethod
    def flush(self) -> Iterator[bytes]:
        """The events that wait: its start, once, and what has come of it since."""

    @abstractmethod
    def close(self) -> Iterator[bytes]:
        """The events of its end."""


class InTurn:
    """The first of its parts is open; those behind it wait until it is whole.

    Calls whose arguments come by turns are thus sent one after the other.
    """

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def add(self, part: Part) -> None:
        self._parts.append(part)

    def advance(self, *, is_over: bool = False) -> bytes:
        """The events that may go out by now."""
        return b"".join(self._advance(is_over=is_over))

    def _advance(self, *, is_over: bool) -> Iterator[bytes]:
        while self._parts:
            part = self._parts[0]
            if not (is_over or part.has_begun or part.may_begin):
                return
            yield from part.flush()
            part.has_begun = True
            if not is_over and (len(self._parts) == 1 or not part.is_whole):
                return
            yield from part.close()
            del self._parts[0]


def is_json(pieces: Iterable[msgspec.Raw]) -> bool:
    """Whether raw JSON strings come to the text of a JSON value."""
    try:
        loads("".join(map(read_text, pieces)).encode("utf-8", "surrogatepass"))
    except (NotJSON, UnicodeDecodeError):
        return False
    return True
