"""The tree is the one of DESIGN.md section 2, and its names those of STYLE.md."""

from __future__ import annotations

import ast
import sys
from importlib import metadata
from pathlib import PurePosixPath

import pytest

from tests.architecture.tree import CODE, ROOT, Module, functions, modules, tracked

TOP = {
    *("functions", "shared", "infra", "migrations", "tests"),
    *("pyproject.toml", "Procfile", "Makefile", "MANIFEST.in", "requirements.txt"),
    *("README.md", "CHANGELOG.md", "LICENSE"),
}
# Processes that run other functions, and a provider: not functions of the gateway themselves.
WITHOUT_BILL_OF_MATERIALS = {"gateway", "worker", "clock", "simulated_provider"}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "manager", "base", "misc"}


def test_the_top_level_holds_only_what_the_design_names() -> None:
    entries = {name.split("/")[0] for name in tracked()}
    assert {entry for entry in entries if not entry.startswith(".")} - TOP == set()


def test_the_top_level_holds_all_that_the_design_names() -> None:
    assert {entry for entry in TOP if not (ROOT / entry).exists()} == set()


@pytest.mark.parametrize("function", functions())
def test_a_function_is_documented_in_its_folder(function: str) -> None:
    readme = ROOT / "functions" / function / "README.md"
    assert readme.is_file(), f"write functions/{function}/README.md"
    assert readme.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("function", sorted({*functions()} - WITHOUT_BILL_OF_MATERIALS))
def test_a_function_has_a_bill_of_materials_named_as_its_folder(function: str) -> None:
    bill = _bill_of_materials(function)
    named = {keyword.arg: keyword.value for keyword in bill.keywords}
    assert ast.literal_eval(named["name"]) == function


@pytest.mark.parametrize("function", sorted({*functions()} - WITHOUT_BILL_OF_MATERIALS))
def test_a_function_runs_from_an_app_or_from_a_queue(function: str) -> None:
    folder = ROOT / "functions" / function
    has_handlers = any(word.arg == "handlers" for word in _bill_of_materials(function).keywords)
    assert (folder / "app.py").is_file() or (folder / "actor.py").is_file()
    assert (folder / "app.py").is_file() or not has_handlers, (
        "routes need an app.py to deploy alone"
    )


def _bill_of_materials(function: str) -> ast.Call:
    """The call in `MODELS = Function(...)`: the constant of a function is its folder in capitals.

    Raises StopIteration where there is none.
    """
    source = ROOT / "functions" / function / "function.py"
    return next(
        statement.value
        for statement in ast.parse(source.read_text("utf-8")).body
        if isinstance(statement, ast.Assign)
        and ast.unparse(statement.targets[0]) == function.upper()
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) == "Function"
    )


def test_no_name_says_nothing() -> None:
    paths = [PurePosixPath(module.path) for module in modules(*CODE, "tests")]
    assert [str(path) for path in paths if SAYS_NOTHING & {*path.parts[:-1], path.stem}] == []


def test_no_part_of_shared_has_the_name_of_a_module_that_is_installed() -> None:
    taken = sys.stdlib_module_names | metadata.packages_distributions().keys()
    parts = {PurePosixPath(module.path).parts[1] for module in modules("shared")}
    assert {part.removesuffix(".py") for part in parts - {"__init__.py"}} & taken == set()


def test_every_module_says_what_it_is() -> None:
    silent = [
        one.path for one in modules() if one.text.strip() and not ast.get_docstring(one.syntax)
    ]
    assert silent == []


def test_tests_are_no_package() -> None:
    """Under `tests/shared/__init__.py` the name `shared` would be the tests' (STYLE.md)."""
    assert [*(ROOT / "tests").rglob("__init__.py")] == []


def test_tests_mirror_the_tree() -> None:
    mirrored = [
        PurePosixPath(module.path).parent.relative_to("tests")
        for module in modules("tests/functions", "tests/shared")
    ]
    assert {str(folder) for folder in mirrored if not (ROOT / folder).is_dir()} == set()


def unexplained(module: Module) -> list[str]:
    """`path:line` of each handler that drops an error with no comment to say why."""
    lines = module.text.splitlines()
    return [
        f"{module.path}:{node.lineno}"
        for node in ast.walk(module.syntax)
        if isinstance(node, ast.ExceptHandler)
        and all(_does_nothing(statement) for statement in node.body)
        and not any("#" in line for line in lines[node.lineno - 1 : node.end_lineno])
    ]


def _does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def test_no_error_is_dropped_without_a_reason() -> None:
    assert [place for module in modules() for place in unexplained(module)] == []


def test_an_error_dropped_without_a_reason_is_seen() -> None:
    dropped = "try:\n    go()\nexcept OSError:\n    {}\n"
    assert unexplained(Module("a.py", dropped.format("pass"))) == ["a.py:3"]
    assert unexplained(Module("a.py", dropped.format("..."))) == ["a.py:3"]
    assert unexplained(Module("a.py", dropped.format("pass  # it had stopped"))) == []
    assert unexplained(Module("a.py", dropped.format("stop()"))) == []
