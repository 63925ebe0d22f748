"""What pyproject.toml asks for, and what that brings with it by the metadata of what is installed.

The former is read from the file: the metadata of an editable install are as old as the install.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT

PROJECT = "switchyard-gateway"


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def asked_for(*extras: str) -> list[Requirement]:
    """The base dependencies and those of the extras, `switchyard-gateway[...]` replaced."""
    project = pyproject()["project"]
    listed = [Requirement(line) for line in project["dependencies"]]
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            requirement = Requirement(line)
            if requirement.name == PROJECT:
                listed.extend(asked_for(*sorted(requirement.extras)))
            else:
                listed.append(requirement)
    return [one for one in listed if one.marker is None or one.marker.evaluate()]


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical names of these distributions and all they need on this machine.

    Raises PackageNotFoundError where one is not installed.
    """
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    # "" stands for a distribution without any extra.
    waiting = [(one.name, extra) for one in requirements for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        names.add(canonicalize_name(name))
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting.extend((needed.name, wanted) for wanted in ("", *needed.extras))
    return names
