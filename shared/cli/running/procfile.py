"""The Procfile: which processes a deployment is made of, one `name: command` a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(\S.*)")


class ProcfileInvalid(ValueError):
    """A line cannot be read; the message gives its number."""


@dataclass(frozen=True)
class ProcessType:
    """`command` is for /bin/sh, which replaces $PORT and the like."""

    name: str
    command: str


def parse_procfile(text: str) -> list[ProcessType]:
    """The process types in the order of their lines; empty lines and `#` comments are passed over.

    Raises ProcfileInvalid.
    """
    found: dict[str, ProcessType] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise ProcfileInvalid(f"Procfile line {number}: expected `name: command`")
        name, command = match.groups()
        if name in found:
            raise ProcfileInvalid(f"Procfile line {number}: there is a {name} already")
        found[name] = ProcessType(name, command)
    return list(found.values())
