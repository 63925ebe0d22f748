"""infra/locks: each process's dependencies, hashed, in the versions of requirements.txt."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.requirements import asked_for, closure
from tests.architecture.test_locks import RUN, entries, pins
from tests.infra.deployed import INFRA, processes

EXTRAS = {"release": ["cli"], "worker": ["worker", "cli"]}
LOCKS = {name: EXTRAS.get(name, [name]) for name in [*processes(), "aws"]}


def lock(name: str) -> str:
    assert (INFRA / "locks" / f"{name}.txt").is_file(), f"run infra/locks/lock.sh {name}"
    return f"infra/locks/{name}.txt"


def installed_here(name: str) -> set[str]:
    """The distributions of a lock whose marker holds on this machine."""
    found = [Requirement(line.partition("--hash")[0]) for line in entries(lock(name))]
    return {
        canonicalize_name(one.name) for one in found if one.marker is None or one.marker.evaluate()
    }


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_its_extras_need_and_nothing_else(name: str) -> None:
    needed = closure(asked_for(*LOCKS[name]))
    assert installed_here(name) == needed, f"run infra/locks/lock.sh {name}"


@pytest.mark.parametrize("name", [*LOCKS, "build"])
def test_a_lock_has_the_versions_that_are_tested(name: str) -> None:
    tested = pins(RUN)
    found = pins(lock(name))
    assert found
    assert {one: tested.get(one) for one in found} == found, f"run infra/locks/lock.sh {name}"


@pytest.mark.parametrize("name", [*LOCKS, "build"])
def test_a_lock_is_hashed_and_names_no_index(name: str) -> None:
    hashed = re.compile(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}\b.*")
    assert [line for line in entries(lock(name)) if not hashed.fullmatch(line)] == []
    text = (INFRA / "locks" / f"{name}.txt").read_text("utf-8")
    assert re.findall(r"--(?:extra-)?index-url|--find-links|--trusted-host|\w+://", text) == []


def test_no_lock_is_of_a_process_that_is_gone() -> None:
    assert {path.stem for path in (INFRA / "locks").glob("*.txt")} == {*LOCKS, "build"}
