"""The list of error codes is that of the source: none is missing, and none is of an error gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from shared import errors
from shared.doors import refusals
from shared.limits import reached
from shared.openapi.codes import CODES, codes_of
from tests.architecture.tree import ROOT, Module, modules

# Rows of what providers say, and a provider of its own.
NOT_OURS = ("shared/wire/refusal_rows.py", "functions/simulated_provider/")


def codes_in(module: Module) -> set[str]:
    """What its calls, classes and defaults name as a `code`."""
    places = dict(positions(module))
    found: set[str] = set()
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Call):
            given = [word.value for word in node.keywords if word.arg == "code"]
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in places and len(node.args) > places[name]:
                given.append(node.args[places[name]])
            found |= {text for value in given for text in texts(value)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value and any(
                isinstance(one, ast.Name) and one.id == "code" for one in targets
            ):
                found |= set(texts(node.value))
        elif isinstance(node, ast.FunctionDef):
            found |= set(default_code(node.args))
    return found


def positions(module: Module) -> Iterator[tuple[str, int]]:
    """Functions and tuples of the module that take a `code`, and at which place."""
    for node in ast.walk(module.syntax):
        names: list[str] = []
        if isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.args]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.target.id for one in fields if isinstance(one.target, ast.Name)]
        if (
            "code" in names
            and "self" not in names
            and isinstance(node, ast.FunctionDef | ast.ClassDef)
        ):
            yield node.name, names.index("code")


def default_code(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    named = positional[len(positional) - len(arguments.defaults) :]
    pairs = zip(named, arguments.defaults, strict=True)
    return [text for one, value in pairs if one.arg == "code" for text in texts(value)]


def texts(value: ast.expr) -> list[str]:
    """The constants among what it may be; a constant of a module is found by its name."""
    if isinstance(value, ast.Name):
        return [text] if (text := constants().get(value.id)) else []
    if isinstance(value, ast.IfExp):
        return [*texts(value.body), *texts(value.orelse)]
    if isinstance(value, ast.BoolOp):
        return [text for one in value.values for text in texts(one)]
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return [str(value.value)] if is_text else []  # type: ignore[union-attr]


@cache
def constants() -> dict[str, str]:
    """Texts that modules of ours have under a name in capitals."""
    statements = [one for module in modules("functions", "shared") for one in module.syntax.body]
    return {
        one.targets[0].id: one.value.value
        for one in statements
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and one.targets[0].id.isupper()
        and isinstance(one.value, ast.Constant)
        and isinstance(one.value.value, str)
    }


def of_the_source() -> set[str]:
    ours = [one for one in modules("functions", "shared") if not one.path.startswith(NOT_OURS)]
    return {code for module in ours for code in codes_in(module)}


def test_every_code_of_the_source_is_explained() -> None:
    assert of_the_source() - CODES.keys() == set(), "add them to shared/openapi/codes.py"


def test_every_code_that_is_explained_is_in_the_source() -> None:
    assert CODES.keys() - of_the_source() == set(), "nothing answers with them any more"


@pytest.mark.parametrize("name", CODES)
def test_a_code_says_what_it_means_and_what_to_do(name: str) -> None:
    code = CODES[name]
    assert code.means.endswith(".")
    assert code.fix.endswith(".")
    assert code.statuses


def test_the_status_of_a_class_of_errors_is_listed_with_its_code() -> None:
    classes = [
        one
        for module in (errors, reached)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, errors.SwitchyardError)
    ]
    listed = {(one.code, one.status) for one in classes if one.__dict__.get("code")}
    wrong = {(code, status) for code, status in listed if code not in codes_of(status)}
    assert wrong == set()


def test_the_status_of_what_the_protocol_refuses_is_listed_with_its_code() -> None:
    made = [one for one in vars(refusals).values() if isinstance(one, refusals.Refusal)]
    assert made
    assert [one for one in made if one.code not in codes_of(one.status)] == []


def test_a_code_is_seen_wherever_it_stands() -> None:
    source = (
        "class Slow(Error):\n    code = 'a'\n"
        "def wrong(text: str, code: str = 'b') -> Error: ...\n"
        "raise Error('no', code='c' if x else 'd')\n"
        "wrong('no', 'e')\n"
    )
    assert codes_in(Module("a.py", source)) == {"a", "b", "c", "d", "e"}


def test_the_reference_is_that_of_the_list() -> None:
    page = (ROOT / "infra/docs/errors.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    found = {
        row[0].strip("| `"): (tuple(map(int, row[1].split())), row[2], row[3].removesuffix(" |"))
        for row in rows
    }
    assert found == CODES, "run python -m infra.docs.errors > infra/docs/errors.md"
