"""What only tests use stands in tests (STYLE.md, habit 13): the code that ships is used by it.

A name counts as used where the code that ships says it outside its own definition, or where a file
that starts or deploys it does. Names, not objects, are compared: two of one name hide each other.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.architecture.tree import ROOT, Module, modules, tracked

# Decorated by anything else, a function is handed to a framework: a route, a command, an actor.
OURS = re.compile(
    r"(\w+\.)*(property|classmethod|staticmethod|cache|contextmanager|asynccontextmanager|dataclass)\b"
)
# Bases that call nothing by name. A class with any other has methods that its base calls.
PLAIN_BASES = {
    *("msgspec.Struct", "Protocol", "Generic", "StrEnum", "NamedTuple"),
    *("Exception", "LookupError", "RuntimeError", "ValueError"),
}
STARTED_BY = ("Procfile", "pyproject.toml", "Makefile", "infra/")

ALLOWED: dict[str, str] = {}
"""By name, why nothing that ships uses it."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def unused(among: Iterable[Module], started: str = "") -> list[str]:
    """Each public function, class and method that no other line of these modules names."""
    among = list(among)
    ours = {node.name for one in among for node in ast.walk(one.syntax) if _is_class(node)}
    said: Counter[str] = Counter(re.findall(r"\w+", started))
    for one in among:
        said.update(_names(one.syntax))
    return [
        f"{one.path}:{node.lineno} {node.name}"
        for one in among
        if not one.path.startswith("migrations/")
        for node in _public(one.syntax.body, ours)
        if said[node.name] <= Counter(_names(node))[node.name]
    ]


def _is_class(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef)


def _public(body: list[ast.stmt], ours: set[str]) -> Iterator[Definition]:
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        decorators = [ast.unparse(one) for one in node.decorator_list]
        if all(OURS.match(one) for one in decorators) and not _is_table(node):
            yield node
        if isinstance(node, ast.ClassDef) and _is_plain(node, ours):
            yield from _public(node.body, ours)


def _is_table(node: Definition) -> bool:
    """SQLModel gathers these in its metadata, which the migrations read."""
    return isinstance(node, ast.ClassDef) and any(one.arg == "table" for one in node.keywords)


def _is_plain(node: ast.ClassDef, ours: set[str]) -> bool:
    bases = {ast.unparse(one).partition("[")[0] for one in node.bases}
    return bases <= PLAIN_BASES | ours


def _names(tree: ast.AST) -> Iterator[str]:
    """Each name that is used, imported or asked for as an attribute; definitions are none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def started() -> str:
    """The text of what starts and deploys processes."""
    files = [name for name in tracked() if name.startswith(STARTED_BY) and "locks/" not in name]
    return "\n".join((ROOT / name).read_text("utf-8", "ignore") for name in files)


def test_what_ships_is_used_by_what_ships() -> None:
    found = unused(modules("functions", "shared", "migrations"), started())
    assert [one for one in found if one.rpartition(" ")[2] not in ALLOWED] == []


def test_every_exception_is_still_needed() -> None:
    found = unused(modules("functions", "shared", "migrations"), started())
    assert {one.rpartition(" ")[2] for one in found} >= ALLOWED.keys()


def test_what_nobody_calls_is_seen() -> None:
    text = (
        "def used(): ...\n"
        "def again(): return again()\n"
        "@get('/')\ndef route(): used()\n"
        "class Pool:\n    def idle(self): ...\n    def _own(self): ...\n"
        "class Wire(asyncio.Protocol):\n    def data_received(self): ...\n"
        "Pool, Wire\n"
    )
    assert unused([Module("a.py", text)]) == ["a.py:2 again", "a.py:6 idle"]
    assert unused([Module("a.py", text)], "a:again, a.idle") == []
