"""The pool of connections to PostgreSQL that a serving process shares."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from shared.db.dsn import refuse_malformed
from shared.db.session import SESSION
from shared.resources import Check, Resources
from shared.settings import DatabaseSettings

Connection = psycopg.AsyncConnection[Any]

WAIT_S = 5.0
"""How long to wait for a connection, and at most between two attempts to make one."""

_PING_WAIT_S = 2.0
_SAY_AGAIN_AFTER_S = 60.0


class Database:
    """Up to four connections, made when first needed and again after they break.

    Nothing waits for the database at start: a process may start while it is away.
    """

    def __init__(self, dsn: str) -> None:
        """Raises SettingsInvalid where `dsn` cannot be read."""
        refuse_malformed(dsn)
        logging.getLogger("psycopg.pool").addFilter(_once_a_minute)
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            dsn,
            name="switchyard",
            open=False,
            min_size=1,
            max_size=4,
            timeout=WAIT_S,
            # The pool doubles its pauses until this much has passed; whoever then asks for a
            # connection starts anew. Its default of 5 min would miss a database that is back.
            reconnect_timeout=WAIT_S,
            configure=_use_utc,
            kwargs={
                **SESSION,
                "application_name": "switchyard",
                "connect_timeout": 5,
                # A server that vanished without a word is noticed within this many ms.
                "tcp_user_timeout": 10_000,
                "keepalives_idle": 10,
            },
        )

    async def open(self) -> None:
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        """A connection in autocommit, for one use.

        Raises psycopg_pool.PoolTimeout, a psycopg.OperationalError, where there is none in 5 s.
        """
        async with self._pool.connection() as connection:
            yield connection

    async def ping(self) -> str | None:
        """None if the database answers, else a sentence; it names no host, /readyz is public."""
        try:
            async with self._pool.connection(timeout=_PING_WAIT_S) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, OSError) as error:
            return (
                f"PostgreSQL does not answer ({type(error).__name__}):"
                " check that it runs and that DATABASE_URL is right"
            )
        return None

    async def renew(self) -> None:
        """Put new connections in the place of all: after an outage the old ones are broken."""
        # Not pool.check(), which swallows a cancellation that arrives while it waits for an answer.
        await self._pool.drain()


@asynccontextmanager
async def open_database(resources: Resources) -> AsyncGenerator[None]:
    """Put a Database. It is not critical: what is in memory is served without it."""
    database = Database(resources.settings[DatabaseSettings].dsn)
    await database.open()
    resources.put(database)
    resources.checks.append(Check("database", database.ping))
    try:
        yield
    finally:
        await database.close()


@asynccontextmanager
async def connect_once(dsn: str) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
    """One connection in autocommit, for a job. Raises SettingsInvalid, psycopg.OperationalError."""
    refuse_malformed(dsn)
    connection = await psycopg.AsyncConnection.connect(
        dsn,
        application_name="switchyard",
        connect_timeout=5,
        tcp_user_timeout=10_000,
        keepalives_idle=10,
        **SESSION,
    )
    async with connection:
        await _use_utc(connection)
        yield connection


async def _use_utc(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute("SET timezone = 'UTC'")


class _OnceAMinute(logging.Filter):
    """Lets each kind of message through once a minute: the pool says each failed attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        said_at = self._said_at.get(str(record.msg))
        if said_at is not None and now - said_at < _SAY_AGAIN_AFTER_S:
            return False
        self._said_at[str(record.msg)] = now
        return True


# One instance: a logger takes the same filter only once.
_once_a_minute = _OnceAMinute()
