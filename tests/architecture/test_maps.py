"""Each folder of five files or more has a map: a table in its README with a row for every file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.tree import CODE, ROOT

ENOUGH_FOR_A_MAP = 5
NOT_ON_A_MAP = {"__init__.py", "README.md", "py.typed"}
# The same names in every function: functions/README.md says once what each of them is.
SAME_EVERYWHERE = {
    *("function.py", "app.py", "handler.py", "requests.py", "answers.py", "job.py", "actor.py"),
}
# Dated, in order, and each named after what it does.
LISTS = {"migrations/versions"}


def folders_to_map() -> list[str]:
    """Of the code, relative to the root."""
    folders = [path for one in CODE for path in (ROOT / one, *(ROOT / one).rglob("*"))]
    return sorted(
        folder.relative_to(ROOT).as_posix()
        for folder in folders
        if folder.is_dir()
        and folder.name != "__pycache__"
        and len(files_of(folder)) >= ENOUGH_FOR_A_MAP
    )


def files_of(folder: Path) -> list[str]:
    """The names that a map of the folder holds."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    return sorted(name for name in names - NOT_ON_A_MAP if not name.startswith("."))


def off_the_map(readme: str, files: Iterable[str]) -> tuple[list[str], list[str]]:
    """Files without a row, and modules with a row that are not there.

    A row names its files in backticks in its first column; `<slug>.py` is every file there is.
    """
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([\w.-]+)`", row)}
    files = set() if "| `<slug>.py` |" in readme else set(files)
    gone = {name for name in named - files if name.endswith(".py")}
    return sorted(files - named), sorted(gone - NOT_ON_A_MAP)


@pytest.mark.parametrize("folder", [one for one in folders_to_map() if one not in LISTS])
def test_a_folder_of_five_files_or_more_has_a_map_of_them(folder: str) -> None:
    path = ROOT / folder / "README.md"
    readme = path.read_text("utf-8") if path.is_file() else ""
    missing, gone = off_the_map(readme, files_of(ROOT / folder))
    if folder.startswith("functions/"):
        missing = [name for name in missing if name not in SAME_EVERYWHERE]
    assert missing == [], f"{folder}/README.md has no row for {', '.join(missing)}"
    assert gone == [], f"{folder}/README.md has a row for {', '.join(gone)}, which are not there"


def test_the_names_that_every_function_shares_are_on_the_map_of_all() -> None:
    readme = (ROOT / "functions" / "README.md").read_text("utf-8")
    assert off_the_map(readme, SAME_EVERYWHERE)[0] == []


def test_a_file_off_the_map_and_a_row_for_none_are_seen() -> None:
    readme = "`c.py` is not in a table\n| `a.py`, `b.py` | of `d.py` |\n|---|---|\n| `e.txt` | |\n"
    assert off_the_map(readme, ["a.py", "c.py", "d.py", "e.txt"]) == (["c.py", "d.py"], ["b.py"])
