"""The locks hold what pyproject.toml asks for, hashed and from no index in particular."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.cli.running.procfile import ProcessType, parse_procfile
from tests.architecture.requirements import asked_for, closure, pyproject
from tests.architecture.tree import ROOT

RUN = "requirements.txt"
TESTS = "tests/requirements.txt"
PROCFILE = parse_procfile((ROOT / "Procfile").read_text("utf-8"))


def entries(lock: str) -> list[str]:
    """Each requirement of a lock with its hashes, in one line; comments left out."""
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: str) -> Mapping[str, str]:
    """Versions by canonical name."""
    found: dict[str, str] = {}
    for line in entries(lock):
        requirement = Requirement(line.partition("--hash")[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", line
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


def development() -> list[Requirement]:
    return [Requirement(line) for line in pyproject()["dependency-groups"]["dev"]]


@pytest.mark.parametrize("lock", [RUN, TESTS])
def test_a_lock_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert re.findall(r"--(?:extra-)?index-url|--find-links|--trusted-host|\w+://", text) == []


@pytest.mark.parametrize("lock", [RUN, TESTS])
def test_every_requirement_of_a_lock_is_hashed(lock: str) -> None:
    hashed = re.compile(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}\b.*")
    assert [line for line in entries(lock) if not hashed.fullmatch(line)] == []


@pytest.mark.parametrize("requirement", asked_for("up"), ids=str)
def test_the_lock_holds_what_up_asks_for(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins(RUN)[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("requirement", development(), ids=str)
def test_the_lock_of_the_tests_holds_the_development_group(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins(TESTS)[canonicalize_name(requirement.name)])


def test_the_locks_hold_what_their_requirements_bring_with_them() -> None:
    assert closure(asked_for("up")) - pins(RUN).keys() == set()
    assert closure([*asked_for("up"), *development()]) - pins(TESTS).keys() == set()


def test_the_tests_run_with_the_versions_that_are_deployed() -> None:
    tests = pins(TESTS)
    assert {name: tests.get(name) for name in pins(RUN)} == pins(RUN)


def target(process: ProcessType) -> str:
    """What the command starts: `module`, or `module:name`."""
    words = shlex.split(process.command)
    return words[2] if words[:2] == ["python", "-m"] else words[1]


def test_the_procfile_has_the_processes_of_the_design() -> None:
    commands = {process.name: shlex.split(process.command)[0] for process in PROCFILE}
    assert commands == {
        "release": "switchyard",
        "web": "uvicorn",
        "worker": "dramatiq",
        "clock": "python",
    }


@pytest.mark.parametrize(
    "process", [one for one in PROCFILE if one.name != "release"], ids=lambda one: one.name
)
def test_a_process_starts_a_module_that_exists(process: ProcessType) -> None:
    module, _, name = target(process).partition(":")
    source = ROOT / (module.replace(".", "/") + ".py")
    assert source.is_file()
    if name:
        statements = ast.parse(source.read_text("utf-8")).body
        targets = [one.targets[0] for one in statements if isinstance(one, ast.Assign)]
        assert name in [ast.unparse(one) for one in targets]


def test_the_release_runs_a_command_that_exists() -> None:
    (release,) = [one for one in PROCFILE if one.name == "release"]
    script, command = shlex.split(release.command)
    module, _, function = pyproject()["project"]["scripts"][script].partition(":")
    syntax = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8"))
    assert function in [one.name for one in syntax.body if isinstance(one, ast.FunctionDef)]
    assert (ROOT / "shared" / "cli" / "commands" / f"{command}.py").is_file()
