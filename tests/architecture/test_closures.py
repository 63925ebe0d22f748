"""A function runs with the base dependencies and its own extra, and no more (DESIGN.md section 2).

Each is imported in a process of its own where every other installed distribution is out of reach,
as after `pip install .[<function>]`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.requirements import PROJECT, asked_for, closure, pyproject
from tests.architecture.tree import ROOT, functions, modules

WEB = (
    *("access_tokens", "audit", "byok_keys", "chat_completions", "gateway", "health", "models"),
    *("providers", "routing_rules", "system_keys", "usage"),
)
# `up` starts embedded servers, which its own extra brings.
COMMANDS = ("catalog", "doctor", "health", "key", "main", "migrate", "route", "token", "usage")
# Run with the names out of reach and the modules to import; prints what was loaded.
IMPORT = """
import importlib, json, sys
hidden, wanted = json.loads(sys.argv[1])
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
for name in set(sys.modules) & set(hidden):
    del sys.modules[name]
sys.meta_path.insert(0, Hidden())
for name in wanted:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def entry(function: str) -> str:
    """The module that a deployment of this function starts from."""
    for module in ("app", "main", "actor"):
        if (ROOT / "functions" / function / f"{module}.py").is_file():
            return f"functions.{function}.{module}"
    raise AssertionError(f"functions/{function} has no app.py, main.py or actor.py")


@cache
def owners() -> Mapping[str, list[str]]:
    """Distributions by the top-level name that they install."""
    found = metadata.packages_distributions()
    return {name: [canonicalize_name(one) for one in set(dists)] for name, dists in found.items()}


def out_of_reach(extra: str) -> list[str]:
    """Top-level names that only distributions outside the extra's closure install."""
    reachable = closure(asked_for(extra)) | {PROJECT}
    return [name for name, dists in owners().items() if reachable.isdisjoint(dists)]


def start(extra: str, *wanted: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", IMPORT, json.dumps([out_of_reach(extra), wanted])]
    # The worker's module names its broker at import; nothing connects to it.
    environment = {"PATH": "/usr/bin:/bin", "REDIS_URL": "redis://localhost:6379/0"}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def loaded() -> Iterator[Mapping[str, set[str] | str]]:
    """By function (and `cli`): the top-level names in sys.modules, or the last words."""
    running = {name: start(name, entry(name)) for name in functions()}
    running["cli"] = start("cli", *(f"shared.cli.{command}" for command in COMMANDS))
    try:
        yield {name: _outcome(process) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _outcome(process: subprocess.Popen[str]) -> set[str] | str:
    output, errors = process.communicate(timeout=60)
    return set(json.loads(output)) if process.returncode == 0 else errors


@pytest.mark.parametrize("function", [*functions(), "cli"])
def test_a_function_imports_with_no_more_than_its_extra(
    loaded: Mapping[str, set[str] | str], function: str
) -> None:
    names = loaded[function]
    assert isinstance(names, set), names
    assert names & {"functions", "shared"}
    assert names & set(out_of_reach(function)) == set()


def test_models_loads_neither_a_queue_nor_a_vault_nor_tables(
    loaded: Mapping[str, set[str] | str],
) -> None:
    names = {"redis", "cryptography", "dramatiq", "sqlmodel", "sqlalchemy", "httpx"}
    assert names.intersection(loaded["models"]) == set()


@pytest.mark.parametrize("function", WEB)
def test_a_web_function_loads_no_dramatiq(
    loaded: Mapping[str, set[str] | str], function: str
) -> None:
    assert {"dramatiq", "apscheduler"}.intersection(loaded[function]) == set()


def _enqueuers() -> list[str]:
    found = {
        module.path.split("/")[1]
        for module in modules("functions")
        if any(name.startswith("shared.jobs.") for name, _ in module.imports())
    }
    return sorted(found)


@pytest.mark.parametrize("function", _enqueuers())
def test_who_enqueues_has_dramatiq_installed(function: str) -> None:
    """`dispatch` imports Dramatiq when first used: an import of the function cannot show it."""
    assert "dramatiq" in closure(asked_for(function))


def test_every_function_has_an_extra() -> None:
    extras = pyproject()["project"]["optional-dependencies"]
    assert {*functions()} == extras.keys() - {"aws", "cli", "up"}


def test_a_module_out_of_reach_stops_the_import() -> None:
    process = start("models", "shared.jobs", "dramatiq")
    outcome = _outcome(process)
    assert isinstance(outcome, str)
    assert "dramatiq is not installed" in outcome
