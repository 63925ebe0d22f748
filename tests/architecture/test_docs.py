"""The documents lead somewhere, on any machine (STYLE.md, habit 14)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)>\s]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?([^>\s]+)", re.MULTILINE)
# Homes and scratch folders; /var/lib and /etc are the same on all machines.
A_MACHINE = re.compile(r"(?<![\w.])(?:/(?:home|root|Users|tmp|mnt|private)/\w|[A-Z]:\\)[^\s`)]*")


def documents() -> list[str]:
    """Every Markdown file of the tree, relative to the root."""
    folders = ["functions", "shared", "migrations", "infra", "tests"]
    found = [*ROOT.glob("*.md"), *(path for one in folders for path in (ROOT / one).rglob("*.md"))]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def broken_links(text: str, folder: Path) -> list[str]:
    """The relative links of a Markdown text whose file is not there; links in code do not count."""
    links = [first or second for first, second in LINK.findall(CODE.sub("", text))]
    relative = [link for link in links if not re.match(r"[a-z][a-z0-9+.-]*:|#", link)]
    return [link for link in relative if not (folder / link.partition("#")[0]).exists()]


@pytest.mark.parametrize("document", documents())
def test_relative_links_point_to_files_that_exist(document: str) -> None:
    path = ROOT / document
    assert broken_links(path.read_text("utf-8"), path.parent) == []


@pytest.mark.parametrize("document", documents())
def test_a_document_names_no_path_of_one_machine(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert A_MACHINE.findall(text) == []
    assert str(ROOT) not in text


@pytest.mark.parametrize("document", documents())
def test_a_document_has_no_em_dash(document: str) -> None:
    assert "\N{EM DASH}" not in (ROOT / document).read_text("utf-8")


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    text = "[a](there.md#part) [b](https://example.org) [c](#here) `[d](code.md)` [e](gone.md)\n"
    assert broken_links(text + "[f]: lost.md\n", tmp_path) == ["gone.md", "lost.md"]


def test_a_path_of_one_machine_is_seen() -> None:
    home, drive = "/".join(["", "home", "ann", "key"]), "C:\\keys"
    assert A_MACHINE.findall(f"in {home}, `{drive}` or /var/lib/switchyard") == [home + ",", drive]
