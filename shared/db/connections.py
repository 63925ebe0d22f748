"""Who gives a service its connections: a serving process's pool, or a command's own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import psycopg

from shared.db.connect import connect_once


class Connects(Protocol):
    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """A connection in autocommit, for one use. Raises psycopg.OperationalError."""
        ...


class Reports(Protocol):
    def report(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """A connection for a statement that reads as much as is asked for."""
        ...


class CommandDatabase:
    """A connection for each use: a command makes one or two, and fails at once without any."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        return connect_once(self._dsn)

    def report(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """An operator waits as long as it takes."""
        return connect_once(self._dsn)
