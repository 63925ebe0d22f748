"""The lines of the top Procfile."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from shared.cli.running.procfile import parse_procfile
from tests.architecture.tree import ROOT


class Commands(NamedTuple):
    release: str
    web: str
    worker: str
    clock: str


def commands_of(folder: Path) -> Commands:
    """Of the release in `folder`: each is started by a line of its own."""
    lines = parse_procfile((folder / "Procfile").read_text("utf-8"))
    found = {one.name: one.command for one in lines}
    return Commands(*(found[name] for name in Commands._fields))


RELEASE, WEB, WORKER, CLOCK = commands_of(ROOT)
