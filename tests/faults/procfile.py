"""The lines of the top Procfile."""

from __future__ import annotations

from shared.cli.running.procfile import parse_procfile
from tests.architecture.tree import ROOT

_LINES = {one.name: one.command for one in parse_procfile((ROOT / "Procfile").read_text("utf-8"))}
RELEASE, WEB, WORKER, CLOCK = (_LINES[name] for name in ("release", "web", "worker", "clock"))
