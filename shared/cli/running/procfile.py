"""Parses the Procfile: the processes of a deployment, one `name: command` per line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(\S.*)")


class ProcfileInvalid(ValueError):
    """A line cannot be parsed; the message gives its number."""


@dataclass(frozen=True)
class ProcessType:
    """`command` is run by /bin/sh, which expands $PORT and the like."""

    name: str
    command: str


def read_procfile() -> str:
    """The Procfile at the top of the project, which a wheel carries here."""
    return Path(__file__).with_name("Procfile").read_text("utf-8")


def parse_procfile(text: str) -> list[ProcessType]:
    """The process types in order, skipping empty lines and `#` comments.

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
            raise ProcfileInvalid(f"Procfile line {number}: {name} is defined twice")
        found[name] = ProcessType(name, command)
    return list(found.values())
