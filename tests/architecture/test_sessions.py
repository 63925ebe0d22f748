"""Every connection to PostgreSQL and to Redis is opened in one of a few places, with its limits."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest

from shared.db.session import SESSION
from tests.architecture.tree import Module, modules

POSTGRES = ("psycopg.connect", "Connection.connect", "AsyncConnectionPool", "create_engine")
OPENERS = {
    # A command's, a worker thread's.
    "shared/db/session.py": 2,
    # The pool, a job's on an event loop.
    "shared/db/connect.py": 2,
    # It is handed connections of session.py's, and makes none itself.
    "shared/migrate/steps.py": 1,
}
REDIS = ("Redis", "Redis.from_url", "ConnectionPool", "ConnectionPool.from_url")
REDIS_LIMITS = {"socket_timeout", "socket_connect_timeout", "socket_keepalive", "retry"}


def opening(module: Module, names: Sequence[str]) -> list[ast.Call]:
    """The calls that open a connection."""
    return [
        call
        for call in ast.walk(module.syntax)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).partition("[")[0].split("(")[0].endswith(tuple(names))
        and not ast.unparse(call.func).endswith("RedisBroker")
    ]


def has_limits(call: ast.Call) -> bool:
    text = ast.unparse(call)
    return ("**SESSION" in text and "connect_timeout" in text) or "creator=" in text


def test_postgres_is_connected_to_in_three_places_each_with_its_limits() -> None:
    found = {one.path: opening(one, POSTGRES) for one in modules() if "psycopg" in one.text}
    assert {path: len(calls) for path, calls in found.items() if calls} == OPENERS
    assert [
        ast.unparse(one) for calls in found.values() for one in calls if not has_limits(one)
    ] == []


def test_what_all_connections_have_in_common_finds_a_server_that_vanished() -> None:
    limits = {"tcp_user_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count"}
    assert limits <= SESSION.keys()
    silence_s = (
        SESSION["keepalives_idle"] + SESSION["keepalives_interval"] * SESSION["keepalives_count"]
    )
    assert max(silence_s, SESSION["tcp_user_timeout"] / 1000) <= 30


def test_redis_is_connected_to_in_one_place_with_its_limits() -> None:
    found = {
        one.path: calls
        for one in modules()
        if "redis" in one.text and (calls := opening(one, REDIS))
    }
    assert found.keys() == {"shared/keyspace.py"}
    for call in found["shared/keyspace.py"]:
        assert {one.arg for one in call.keywords} >= REDIS_LIMITS


@pytest.mark.parametrize(
    "text",
    [
        "psycopg.connect(dsn, autocommit=True)",
        "await psycopg.AsyncConnection.connect(dsn, **SESSION)",
        "AsyncConnectionPool(dsn, kwargs={})",
        "create_engine(dsn)",
    ],
)
def test_one_without_limits_would_be_noticed(text: str) -> None:
    [call] = opening(Module("shared/db/new.py", text), POSTGRES)
    assert not has_limits(call)
