"""One log out of many: each line prefixed with the padded name of the process that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TextIO

OWN_NAME = "switchyard"
_COLOURS = ("36", "33", "32", "35", "34", "31")


class LogLines:
    """Writes prefixed lines to `stream`, the names in colour where `colour` says so."""

    def __init__(self, names: Sequence[str], stream: TextIO, *, colour: bool) -> None:
        all_names = [OWN_NAME, *names]
        width = max(len(name) for name in all_names)
        self._stream = stream
        self._is_lost = False
        self._prefixes = {
            name: f"\x1b[{code}m{name:<{width}} |\x1b[0m " if colour else f"{name:<{width}} | "
            for name, code in zip(all_names, cycle(_COLOURS), strict=False)
        }

    def write(self, name: str, line: str) -> None:
        self.show(f"{self._prefixes[name]}{line}\n")

    def say(self, line: str) -> None:
        """A line of our own."""
        self.write(OWN_NAME, line)

    def show(self, text: str) -> None:
        """Text to read and to paste: without a prefix."""
        if self._is_lost:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal was closed, or the reader of a pipe left: there is nobody to tell, and
            # what runs has still to be stopped in good order.
            self._is_lost = True


def wants_colour(stream: TextIO, environment: dict[str, str]) -> bool:
    """Only on a terminal, and not where NO_COLOR is set (no-color.org: any value but empty)."""
    return stream.isatty() and not environment.get("NO_COLOR")
