"""What a route answers is a type of its own folder, never a row: a new column is no API field."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import litestar
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from shared.catalog.providers import ProviderRow
from shared.function import Function
from shared.wire.page import Listed
from tests.architecture.tree import ROOT, Module, functions, modules

# A choice explained, and what a tier opens: made where they are computed, of no row.
ELSEWHERE = {"functions.routing_rules.explain", "shared.routing.levels"}
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|ALTER|CREATE|TRUNCATE)\s")


def bills() -> list[Function]:
    """The functions that have routes of Litestar's."""
    found: list[Function] = []
    for name in functions():
        if (ROOT / "functions" / name / "function.py").is_file():
            module = importlib.import_module(f"functions.{name}.function")
            bill = getattr(module, name.upper())
            if any(isinstance(one, HTTPRouteHandler) for one in bill.handlers):
                found.append(bill)
    return found


def structs_of(hint: Any) -> Iterator[type[msgspec.Struct]]:
    """Every Struct that an answer of this type can hold, at any depth, but for `Listed` itself."""
    origin = get_origin(hint)
    for inner in get_args(hint):
        yield from structs_of(inner)
    struct = origin or hint
    if inspect.isclass(struct) and issubclass(struct, msgspec.Struct) and struct is not Listed:
        yield struct
        for field in get_type_hints(struct).values():
            yield from structs_of(field)


def answers_of(handler: HTTPRouteHandler) -> list[type[msgspec.Struct]]:
    return [*structs_of(get_type_hints(inspect.unwrap(handler.fn))["return"])]


def strays(handler: HTTPRouteHandler, folder: str) -> list[str]:
    """The Structs of an answer that another place than the folder's answers.py defines."""
    allowed = {f"functions.{folder}.answers", *ELSEWHERE}
    return [
        f"{struct.__module__}.{struct.__name__}"
        for struct in answers_of(handler)
        if struct.__module__ not in allowed
    ]


def cases() -> Iterator[Any]:
    for bill in bills():
        yield pytest.param(bill, id=bill.name)


@pytest.mark.parametrize("bill", [*cases()])
def test_an_answer_is_made_of_the_types_of_its_own_answers(bill: Function) -> None:
    routes = [one for one in bill.handlers if isinstance(one, HTTPRouteHandler)]
    found = {route.handler_name: strays(route, bill.name) for route in routes}
    assert {name: structs for name, structs in found.items() if structs} == {}


def test_a_row_that_goes_out_as_an_answer_is_seen() -> None:
    assert [*structs_of(Listed[ProviderRow])] == [ProviderRow]
    assert [*structs_of(litestar.Response[ProviderRow | None])] == [ProviderRow]
    assert [*structs_of(Answer)] == [Answer, ProviderRow]


class Answer(msgspec.Struct):
    rows: dict[str, list[ProviderRow]]


def statements_in(module: Module) -> list[str]:
    """`path:line` of each text that is an SQL statement."""
    return [
        f"{module.path}:{node.lineno}"
        for node in ast.walk(module.syntax)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str | bytes)
        and SQL.match(node.value if isinstance(node.value, str) else node.value.decode())
    ]


def test_no_function_holds_a_statement_of_sql() -> None:
    """What a route does to the database stands in `shared`, so that commands do the same."""
    found = [place for module in modules("functions") for place in statements_in(module)]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'connection.execute("DELETE FROM limits WHERE id = %s", [1])',
        "QUERY = b' SELECT 1'",
        'text = f"UPDATE {table} SET x = 1"',
    ],
)
def test_a_statement_in_a_function_is_seen(source: str) -> None:
    assert statements_in(Module("functions/x/handler.py", source)) == ["functions/x/handler.py:1"]
