"""A text that a regular expression matches, for the part of ECMA 262 that schemas are written in.

References back and looks around match nothing here: what is left of the pattern is kept to.
"""

from __future__ import annotations

_LONGEST_PATTERN = 1_000
_DEEPEST = 50
_CLASSES = {"d": "1", "D": "a", "w": "a", "W": "-", "s": " ", "S": "a"}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_HEX = {"x": 2, "u": 4}
_NO_WIDTH = "bBAZzG"
_USUAL = "a1 -_.A/:"


class _Unreadable(Exception):
    """The pattern is not one, or is too much."""


def text_of(pattern: str, longer: int, most: int) -> str | None:
    """A text of at most `most` characters; each repetition `longer` times more than it has to be,
    where it may. None where the pattern cannot be read."""
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        reader = _Reader(pattern, longer, most)
        found = reader.alternatives(0)
    except (_Unreadable, IndexError, ValueError, OverflowError):
        return None
    return found if reader.is_at_end else None


class _Reader:
    """Reads a pattern from left to right, and writes what it matches."""

    def __init__(self, pattern: str, longer: int, most: int) -> None:
        self._pattern = pattern
        self._longer = longer
        self._most = most
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._pattern)

    def alternatives(self, depth: int) -> str:
        """The text of the first; the others are read past."""
        if depth > _DEEPEST:
            raise _Unreadable
        first = self._sequence(depth)
        while self._take("|"):
            self._sequence(depth)
        return first

    def _sequence(self, depth: int) -> str:
        made = ""
        while not self.is_at_end and self._pattern[self._at] not in "|)":
            atom = self._atom(depth)
            least, most = self._counts()
            count = least + self._longer if most is None else min(least + self._longer, most)
            if len(made) + len(atom) * count > self._most:
                raise _Unreadable
            made += atom * count
        return made

    def _atom(self, depth: int) -> str:
        character = self._next()
        if character in "^$":
            return ""
        if character == "(":
            return self._group(depth + 1)
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        return "a" if character == "." else character

    def _group(self, depth: int) -> str:
        looks = False
        if self._take("?"):
            looks = self._opening()
        inner = self.alternatives(depth)
        if not self._take(")"):
            raise _Unreadable
        return "" if looks else inner

    def _opening(self) -> bool:
        """Read `:`, `=`, `!`, `<=`, `<!`, or a name; whether the group only looks."""
        self._take("P")
        sign = self._next()
        if sign == ":":
            return False
        if sign in "=!":
            return True
        if sign != "<":
            raise _Unreadable
        if self._pattern[self._at] in "=!":
            self._at += 1
            return True
        while self._next() != ">":
            pass
        return False

    def _escape(self) -> str:
        sign = self._next()
        if sign in _NO_WIDTH:
            return ""
        if sign in _HEX:
            digits = self._pattern[self._at : self._at + _HEX[sign]]
            self._at += _HEX[sign]
            return chr(int(digits, 16))
        if sign in "pP" and self._take("{"):
            while self._next() != "}":
                pass
            return "a" if sign == "p" else "1"
        if sign.isdigit() and sign != "0":
            return ""
        return _CLASSES.get(sign) or _CONTROLS.get(sign, sign)

    def _class(self) -> str:
        """One of the characters between brackets; of those left out, a usual one that is not."""
        is_negated = self._take("^")
        spans: list[tuple[str, str]] = []
        while not (spans and self._take("]")):
            first = self._member()
            last = first
            if self._pattern[self._at] == "-" and self._pattern[self._at + 1] != "]":
                self._at += 1
                last = self._member()
            spans.append((first, last))
        if not is_negated:
            return next((first for first, _ in spans if first.isprintable()), spans[0][0])
        others = (one for one in _USUAL if not any(a <= one <= b for a, b in _widened(spans)))
        return next(others, "\u00e9")

    def _member(self) -> str:
        character = self._next()
        return character if character != "\\" else self._escape() or "\b"

    def _counts(self) -> tuple[int, int | None]:
        """How often the last part is repeated: at least, and at most; None without end."""
        counts: tuple[int, int | None] = (1, 1)
        if self._take("*"):
            counts = (0, None)
        elif self._take("+"):
            counts = (1, None)
        elif self._take("?"):
            counts = (0, 1)
        elif not self.is_at_end and self._pattern[self._at] == "{":
            counts = self._braces()
        if counts != (1, 1):
            self._take("?")
        return counts

    def _braces(self) -> tuple[int, int | None]:
        end = self._pattern.index("}", self._at)
        least, comma, most = self._pattern[self._at + 1 : end].partition(",")
        self._at = end + 1
        return int(least), (int(most) if most else None) if comma else int(least)

    def _next(self) -> str:
        character = self._pattern[self._at]
        self._at += 1
        return character

    def _take(self, wanted: str) -> bool:
        found = self._pattern.startswith(wanted, self._at)
        self._at += len(wanted) * found
        return found


def _widened(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A class within a class stands here as one character; to leave it out is to leave out all."""
    wide = {"1": ("0", "9"), "a": ("a", "z"), " ": (" ", " ")}
    return [
        wide.get(first, (first, last)) if first == last else (first, last) for first, last in spans
    ]
