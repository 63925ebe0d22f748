"""A provider's name is written once: in its file (STYLE.md, "What to avoid")."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shared.wire.providers import SEEDS
from tests.architecture.test_owners import is_in
from tests.architecture.tree import Module, modules

OWNERS = [
    "shared/wire/providers/*",
    # Two dialects are called as the providers that made them.
    "shared/wire/provider.py",
    # What other catalogs call them.
    "shared/catalog/facts/make.py",
    # Which models a fresh installation has.
    "shared/migrate/seeds.py",
    # Google's key has a second name.
    "shared/settings.py",
    "functions/simulated_provider/*",
]


def named(module: Module) -> Iterator[str]:
    """`path:line name` of each string that is a built-in provider's slug."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Constant) and node.value in SEEDS:
            yield f"{module.path}:{node.lineno} {node.value}"


def test_no_other_module_names_a_provider() -> None:
    others = [one for one in modules("functions", "shared") if not is_in(one.path, OWNERS)]
    assert [place for module in others for place in named(module)] == []


def test_a_provider_that_is_compared_or_looked_up_by_name_is_seen() -> None:
    module = Module("a.py", 'if slug == "groq":\n    ROWS["google"] = {"together": 1}\n')
    assert sorted(named(module)) == ["a.py:1 groq", "a.py:2 google", "a.py:2 together"]
