"""One subject, one room: no circle, no arrow up, no folder too full to read (DESIGN.md, 2)."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.architecture.graph import arrows_up, circles, graph_of
from tests.architecture.requirements import pyproject
from tests.architecture.tree import Module, modules

FILES_A_FOLDER = 20
FILES_OF_DB = 16
ROOMS = ("functions", "shared")


def layered() -> dict[str, list[str]]:
    """The layers of pyproject.toml's contracts by the package whose rooms they order."""
    contracts: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]
    return {
        container: one["layers"]
        for one in contracts
        if one["type"] == "layers"
        for container in one.get("containers", [])
    }


def files_by_folder() -> Counter[str]:
    return Counter(str(PurePosixPath(one.path).parent) for one in modules(*ROOMS))


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(graph_of(modules())) == []


@pytest.mark.parametrize("container", ROOMS)
def test_no_room_imports_one_that_is_not_below_it(container: str) -> None:
    graph = graph_of(modules(container))
    assert arrows_up(graph, container, layered()[container]) == []


def test_each_layer_of_shared_is_one_room() -> None:
    assert [layer for layer in layered()["shared"] if {":", "|"} & set(layer)] == []


def test_no_folder_holds_more_files_than_a_reader_can_keep_in_mind() -> None:
    counts = files_by_folder()
    assert {folder for folder, count in counts.items() if count > FILES_A_FOLDER} == set()


def test_the_database_is_no_room_for_everything_that_has_a_table() -> None:
    assert files_by_folder()["shared/db"] <= FILES_OF_DB


def test_a_circle_is_seen_wherever_its_imports_stand() -> None:
    late = "def go():\n    from shared import b\n"
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shared.c.d import Name\n"
    ring = [
        Module("shared/a.py", late),
        Module("shared/b.py", typed),
        Module("shared/c/d.py", "import shared.a"),
        Module("shared/e.py", "from shared.a import go"),
    ]
    assert circles(graph_of(ring)) == [["shared.a", "shared.b", "shared.c.d"]]
    assert circles(graph_of(ring[1:])) == []


def test_an_arrow_that_does_not_go_down_is_seen() -> None:
    layers = ["top", "left | right", "low"]
    rooms = [
        Module("house/top/a.py", "from house.left import b\nfrom house.low import d"),
        Module("house/left/__init__.py", "from house.left import b\nfrom house.right.c import C"),
        Module("house/left/b.py", ""),
        Module("house/right/c.py", "from house.low.d import D"),
        Module("house/low/d.py", "from house.top.a import A"),
    ]
    assert arrows_up(graph_of(rooms), "house", layers) == [
        "house.left -> house.right.c",
        "house.low.d -> house.top.a",
    ]
