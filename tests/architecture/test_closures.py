"""A function runs with the base dependencies and its own extra, and no more (DESIGN.md section 2).

Each is imported in a process of its own where every other installed distribution is out of reach,
as after `pip install .[<function>]`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.requirements import PROJECT, asked_for, closure, pyproject
from tests.architecture.tree import ROOT, functions, modules

WEB = (
    *("access_tokens", "audit", "byok_keys", "chat_completions", "embeddings", "gateway"),
    *("health", "limits", "messages", "models", "providers", "responses", "routing_rules"),
    *("system_keys", "console", "usage"),
)
# `up` starts embedded servers, which its own extra brings.
COMMANDS = ("catalog", "doctor", "health", "key", "migrate", "route", "token", "usage")
# What `models` loads is the base, which is in everybody's reach: loaded once, and forked for each.
IMPORT = """
import importlib, json, os, sys, traceback
base_lacks, jobs = json.load(sys.stdin)
class Hidden:
    names = set(base_lacks)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
hidden = Hidden()
sys.meta_path.insert(0, hidden)
for name in set(sys.modules) & hidden.names:
    del sys.modules[name]
importlib.import_module("functions.models.app")
for job, (lacks, wanted) in jobs.items():
    if os.fork():
        os.wait()
        continue
    hidden.names = set(lacks)
    try:
        for name in wanted:
            importlib.import_module(name)
        outcome = sorted({name.partition(".")[0] for name in sys.modules})
    except BaseException:
        outcome = traceback.format_exc()
    print(json.dumps([job, outcome]), flush=True)
    os._exit(0)
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


def out_of_reach(*extras: str) -> list[str]:
    """Top-level names that only distributions outside the extras' closure install."""
    reachable = closure(asked_for(*extras)) | {PROJECT}
    return [name for name, dists in owners().items() if reachable.isdisjoint(dists)]


def load(wanted: Mapping[str, tuple[str, Sequence[str]]]) -> Mapping[str, set[str] | str]:
    """Import modules each in a process where one extra is installed.

    `wanted`: by any name an extra and the modules. Gives by that name the top-level names that are
    in sys.modules then, or the traceback.
    """
    jobs = {name: (out_of_reach(extra), modules) for name, (extra, modules) in wanted.items()}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=ROOT,
        # The worker's module names its broker at import; nothing connects to it.
        env={"PATH": "/usr/bin:/bin", "REDIS_URL": "redis://localhost:6379/0"},
        input=json.dumps([out_of_reach(), jobs]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    outcomes = dict(json.loads(line) for line in done.stdout.splitlines())
    return {
        name: outcome if isinstance(outcome, str) else set(outcome)
        for name, outcome in outcomes.items()
    }


@pytest.fixture(scope="module")
def loaded() -> Mapping[str, set[str] | str]:
    """By function (and `cli`): the top-level names in sys.modules, or the last words."""
    commands = ["shared.cli.main", *(f"shared.cli.commands.{command}" for command in COMMANDS)]
    return load({**{name: (name, [entry(name)]) for name in functions()}, "cli": ("cli", commands)})


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
    assert {*functions()} == extras.keys() - {"aws", "cli", "parquet", "up"}


def test_a_module_out_of_reach_stops_the_import() -> None:
    outcomes = load({"models": ("models", ["shared.jobs", "dramatiq"])})
    assert "dramatiq is not installed" in outcomes["models"]
    assert isinstance(outcomes["models"], str)
