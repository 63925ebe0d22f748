"""What `make dist` makes: a wheel that is whole, and a bill of what it is installed with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.architecture.requirements import pyproject
from tests.architecture.test_locks import RUN, pins
from tests.architecture.tree import ROOT, tracked
from tests.infra.deployed import INFRA

PACKAGED = ("functions", "shared", "migrations")
_BUILD = """
import sys
from setuptools import build_meta
folder = sys.argv[1]  # which they change
build_meta.build_sdist(folder)
build_meta.build_wheel(folder)
"""


def copy_of_the_tree(folder: Path) -> None:
    for name in tracked():
        if name.startswith("tests/"):
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """The names in the sdist, without its top folder, and in the wheel."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    copy_of_the_tree(source)
    subprocess.run(
        [sys.executable, "-c", _BUILD, made], cwd=source, check=True, capture_output=True
    )
    (sdist,), (wheel,) = made.glob("*.tar.gz"), made.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        return names, set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_has_every_file_that_runs_and_no_test(built: tuple[set[str], set[str]]) -> None:
    _, wheel = built
    wanted = {name for name in tracked() if name.split("/")[0] in PACKAGED}
    assert {name for name in wanted - wheel if not name.endswith("README.md")} == set()
    own = {name for name in wheel if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in own} == set(PACKAGED)


@pytest.mark.slow
def test_the_sdist_has_what_images_are_built_from(built: tuple[set[str], set[str]]) -> None:
    sdist, _ = built
    tree = {name for name in tracked() if name.startswith(("infra/", *PACKAGED))}
    code = {name for name in tree if not name.endswith("README.md") or name.startswith("infra/")}
    assert code - sdist == set()
    assert {"pyproject.toml", "Procfile", "README.md", "LICENSE", "requirements.txt"} <= sdist


def test_the_bill_of_materials_names_every_pin_with_its_hashes() -> None:
    done = subprocess.run(
        [sys.executable, INFRA / "dist" / "sbom.py"], check=True, capture_output=True
    )
    bill = json.loads(done.stdout)
    found = {one["name"]: one for one in bill["components"]}
    assert {name: one["version"] for name, one in found.items()} == pins(RUN)
    assert all(one["properties"] for one in found.values())
    assert bill["metadata"]["component"]["version"] == pyproject()["project"]["version"]


@pytest.mark.parametrize(("tag", "word"), [("v9.9.9", "v9.9.9"), (None, "uv: not found")])
def test_a_tag_that_differs_is_refused(tmp_path: Path, tag: str | None, word: str) -> None:
    """Without a tag it goes on, and here finds no uv."""
    for name in ("pyproject.toml", "infra/dist/build.sh", "infra/dist/sbom.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "c"], cwd=tmp_path, check=True)
    if tag is not None:
        subprocess.run([*git, "tag", tag], cwd=tmp_path, check=True)
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "python3").symlink_to(sys.executable)
    done = subprocess.run(
        [tmp_path / "infra/dist/build.sh"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert word in done.stderr, done.stderr
