"""Every connection to PostgreSQL is opened with shared/db/session.py's SESSION."""

from __future__ import annotations

import ast

from tests.architecture.tree import Module, modules

# Makes databases in the server that it has just started itself: no pooler is between.
APART = {"shared/embedded.py"}
OPENS = ("psycopg.connect", "AsyncConnection.connect", "AsyncConnectionPool")


def bare(module: Module) -> list[str]:
    """`path:line` of each call that opens a connection without it."""
    calls = [one for one in ast.walk(module.syntax) if isinstance(one, ast.Call)]
    return [
        f"{module.path}:{call.lineno}"
        for call in calls
        if ast.unparse(call.func).partition("[")[0].endswith(OPENS)
        and "**SESSION" not in ast.unparse(call)
    ]


def test_no_connection_is_opened_without_what_all_have_in_common() -> None:
    opening = [one for one in modules() if one.path not in APART and "psycopg" in one.text]
    # One of a thread, one of an event loop, and the pool.
    assert sum(one.text.count("**SESSION") for one in opening) == 3
    assert [place for module in opening for place in bare(module)] == []


def test_one_without_it_would_be_noticed() -> None:
    for text in (
        "psycopg.connect(dsn, autocommit=True)",
        "await psycopg.AsyncConnection.connect(dsn)",
        "AsyncConnectionPool(dsn, kwargs={})",
    ):
        assert bare(Module("shared/db/new.py", text)) == ["shared/db/new.py:1"], text
