"""One synchronous connection to PostgreSQL for each thread, kept open and replaced when broken."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from shared.db.session import connect_job, refuse_malformed


class ThreadConnections:
    """Connections by thread. Nothing is opened before the first `get`."""

    def __init__(self, dsn: str) -> None:
        """Raises SettingsInvalid where `dsn` cannot be read."""
        refuse_malformed(dsn)
        self._dsn = dsn
        self._threads = threading.local()
        self._open: set[psycopg.Connection[Any]] = set()

    def get(self) -> psycopg.Connection[Any]:
        """This thread's connection: it has just answered, is in autocommit and in no transaction.

        Raises psycopg.OperationalError where PostgreSQL does not answer.
        """
        held: psycopg.Connection[Any] | None = getattr(self._threads, "connection", None)
        if held is not None and _answers(held):
            return held
        if held is not None:
            self._open.discard(held)
            held.close()
        connection = connect_job(self._dsn)
        self._open.add(connection)
        self._threads.connection = connection
        return connection

    def close(self) -> None:
        """Close the connections of all threads, which use none of them any more."""
        while self._open:
            self._open.pop().close()


def _answers(connection: psycopg.Connection[Any]) -> bool:
    """False for one that a thread was interrupted on in mid-transaction, too."""
    if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        return False
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
