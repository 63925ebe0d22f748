"""No function speaks to PostgreSQL itself: what a route or a job does to it stands in shared.

So the command line and the console do the same, with the same checks and audit rows. That no
function holds the text of a statement either is in test_answers.py.
"""

from __future__ import annotations

import ast

import pytest

from tests.architecture.tree import Module, modules

SENDS = {"execute", "executemany", "copy", "cursor"}
# Redis' pipelines have a method of that name.
NO_DATABASE = {"pipeline"}


def sends_sql(module: Module) -> list[str]:
    """`path:line` of each call that sends a statement or makes a cursor for one."""
    return [
        f"{module.path}:{node.lineno}"
        for node in ast.walk(module.syntax)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SENDS
        and ast.unparse(node.func.value) not in NO_DATABASE
    ]


def test_no_function_sends_a_statement() -> None:
    assert [call for module in modules("functions") for call in sends_sql(module)] == []


@pytest.mark.parametrize(
    "source",
    [
        "connection.execute(rows.FIND, [1])",
        "async def f(database):\n    async with database.connection() as c: await c.execute(FIND)",
        "with connection.cursor(row_factory=class_row(Row)) as cursor: pass",
        "with cursor.copy(statements.STAGE) as copy: pass",
    ],
)
def test_a_statement_sent_by_a_function_is_seen(source: str) -> None:
    assert len(sends_sql(Module("functions/x/handler.py", source))) == 1


def test_a_pipeline_of_redis_is_let_be() -> None:
    assert sends_sql(Module("functions/x/job.py", "pipeline.execute()")) == []
