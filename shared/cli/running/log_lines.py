"""Merges many logs into one: each line is prefixed with the name of the process that wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from typing import TextIO

from shared.log import escaped

OWN_NAME = "switchyard"
_COLOR = re.compile(r"(\x1b\[[\d;]*m)")
_COLORS = ("36", "33", "32", "35", "34", "31")


class LogLines:
    """Writes prefixed lines to `stream`, with the names in color if `color`."""

    def __init__(self, names: Sequence[str], stream: TextIO, *, color: bool) -> None:
        all_names = [OWN_NAME, *names]
        width = max(len(name) for name in all_names)
        self._stream = stream
        self._is_lost = False
        self._prefixes = {
            name: f"\x1b[{code}m{name:<{width}} |\x1b[0m " if color else f"{name:<{width}} | "
            for name, code in zip(all_names, cycle(_COLORS), strict=False)
        }

    def write(self, name: str, line: str) -> None:
        self.show(f"{self._prefixes[name]}{_shown(line)}\n")

    def say(self, line: str) -> None:
        """A line of our own."""
        self.write(OWN_NAME, line)

    def show(self, text: str) -> None:
        """Write text that is meant to be read or pasted, without a prefix."""
        if self._is_lost:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal was closed, or a pipe lost its reader. Nobody is listening, but the
            # processes must still be stopped cleanly.
            self._is_lost = True


def wants_color(stream: TextIO, environment: dict[str, str]) -> bool:
    """Only on a terminal, and not if NO_COLOR is set (no-color.org: to anything but empty)."""
    return stream.isatty() and not environment.get("NO_COLOR")


def _shown(line: str) -> str:
    """Colors stay; what else moves a terminal is shown and not obeyed."""
    return "".join(
        part if _COLOR.fullmatch(part) else escaped(part, keeps_lines=True)
        for part in _COLOR.split(line)
    )
