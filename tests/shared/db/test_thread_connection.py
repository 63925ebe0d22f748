"""A thread's connection: the same one while it works, another one once it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from shared.db.thread_connection import ThreadConnections
from shared.settings import SettingsInvalid


@pytest.fixture
def connections(database_url: str) -> Iterator[ThreadConnections]:
    connections = ThreadConnections(database_url)
    yield connections
    connections.close()


def test_a_thread_keeps_its_connection_and_shares_it_with_none(
    connections: ThreadConnections,
) -> None:
    seen: list[psycopg.Connection[object]] = []
    other = threading.Thread(target=lambda: seen.append(connections.get()))
    other.start()
    other.join()
    assert connections.get() is connections.get()
    assert connections.get() is not seen[0]


def test_a_connection_that_the_server_has_closed_is_replaced(
    connections: ThreadConnections, database_url: str
) -> None:
    first = connections.get()
    with psycopg.connect(database_url, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s)", (first.info.backend_pid,))
    second = connections.get()
    assert second is not first
    assert second.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_left_in_mid_transaction_is_replaced(connections: ThreadConnections) -> None:
    first = connections.get()
    first.execute("BEGIN")
    assert connections.get() is not first
    assert first.closed


def test_a_server_that_is_away_is_an_operational_error() -> None:
    with pytest.raises(psycopg.OperationalError):
        ThreadConnections("postgresql://nobody@127.0.0.1:1/none").get()


def test_a_malformed_url_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        ThreadConnections("postgresql://user:se%cret@localhost/x")
    assert "se%cret" not in str(refusal.value)
    assert "DATABASE_URL" in str(refusal.value)
