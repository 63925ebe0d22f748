"""The pool of connections to PostgreSQL that a serving process shares.

What a process cannot do without never waits behind what callers ask for: each use has connections
of its own in the pool (`Use`), so that slow reports delay other reports and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shared.db.session import CONNECT_S, SESSION, refuse_malformed
from shared.errors import ServiceUnavailable
from shared.resources import Check, Checks, opener
from shared.settings import DatabaseSettings

Connection = psycopg.AsyncConnection[Any]

WAIT_S = 5.0
"""How long to wait for a connection, and at most between two attempts to make one."""

ANSWER_S = 20.0
"""How long one use of a connection may take. A server may hang while its kernel goes on to
acknowledge: no TCP timeout notices that."""

READ_S = 15.0
"""How long one statement of a report may take: PostgreSQL itself ends it, also where the process
that asked has died meanwhile. Below ANSWER_S, so that this is what the caller is told."""

# With Redis' 0.25 s below the 1 s that Kubernetes gives a probe.
_PING_WAIT_S = 0.5
_SAY_AGAIN_AFTER_S = 60.0


class Use(StrEnum):
    """What a connection is wanted for."""

    KEEPER = "keeper"
    """The poll of the versions, by which a revocation is heard."""
    LOOK_UP = "look_up"
    """Whose a token is, and which keys a caller has: without that nobody new is served."""
    REPORT = "report"
    """Usage, audit and history, over as many rows as the caller asks for."""
    CHANGE = "change"
    """All else."""


_SHARES = {Use.KEEPER: 1, Use.LOOK_UP: 2, Use.REPORT: 2, Use.CHANGE: 2}


class Database:
    """Up to seven connections, made when first needed and again after they break.

    Nothing waits for the database at start: a process may start while it is down.
    """

    def __init__(self, dsn: str) -> None:
        """Raises SettingsInvalid where `dsn` cannot be read."""
        refuse_malformed(dsn)
        logging.getLogger("psycopg.pool").addFilter(_once_a_minute)
        self._pinging: asyncio.Task[str | None] | None = None
        self._reports = 0
        self._turns = {use: asyncio.Semaphore(share) for use, share in _SHARES.items()}
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            dsn,
            name="switchyard",
            open=False,
            min_size=1,
            max_size=sum(_SHARES.values()),
            timeout=WAIT_S,
            # The pool doubles its pauses until this much has passed; whoever then asks for a
            # connection starts again. Its default of 5 min would miss a database that is back.
            reconnect_timeout=WAIT_S,
            configure=_use_utc,
            kwargs={
                **SESSION,
                "application_name": "switchyard",
                "connect_timeout": CONNECT_S,
            },
        )

    async def open(self) -> None:
        await self._pool.open(wait=False)

    async def close(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        await self._pool.close()

    @asynccontextmanager
    async def connection(
        self, use: Use = Use.CHANGE, *, within_s: float = ANSWER_S
    ) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        """A connection in autocommit, for one use.

        Raises psycopg.OperationalError where there is none in 5 s (psycopg_pool.PoolTimeout), and
        where its use takes longer than `within_s`: up to 10 s later, in which psycopg tries to
        have the server give up.
        """
        async with self._turn(use, within_s), self._use(within_s) as connection:
            yield connection

    @asynccontextmanager
    async def report(self) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        """A connection in a transaction, for statements that read as much as a caller asks for.

        Raises ServiceUnavailable (`reports_busy`, or `report_too_slow` for a statement that takes
        longer than READ_S), else as `connection`.
        """
        try:
            async with (
                self._turn(Use.REPORT, ANSWER_S),
                self._use(ANSWER_S) as connection,
                self._reading(connection),
            ):
                yield connection
        except psycopg.errors.QueryCanceled as error:
            raise ServiceUnavailable(
                f"The database took longer than {READ_S:g} s to answer this; ask for fewer days or"
                " rows, or try again when it is less busy.",
                code="report_too_slow",
            ) from error

    @asynccontextmanager
    async def _reading(self, connection: Connection) -> AsyncGenerator[None]:
        self._reports += 1
        try:
            async with connection.transaction():
                # Of this transaction alone: a pooler gives the session to another a moment later.
                limit = sql.SQL("SET LOCAL statement_timeout = {}")
                await connection.execute(limit.format(int(READ_S * 1000)))
                yield
        finally:
            self._reports -= 1

    @asynccontextmanager
    async def _turn(self, use: Use, within_s: float) -> AsyncGenerator[None]:
        """One of the connections that `use` has. Raises where none was free in time."""
        turns, wait_s = self._turns[use], min(WAIT_S, within_s)
        try:
            async with asyncio.timeout(wait_s):
                await turns.acquire()
        except TimeoutError as error:
            if use is Use.REPORT and self._reports == _SHARES[use]:
                raise ServiceUnavailable(
                    f"{self._reports} other reports are being read; try again when they are done.",
                    code="reports_busy",
                ) from error
            raise PoolTimeout(f"no connection was free within {wait_s:g} s") from error
        try:
            yield
        finally:
            turns.release()

    @asynccontextmanager
    async def _use(self, within_s: float) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        limit = asyncio.timeout(within_s)
        try:
            async with limit, self._pool.connection() as connection:
                yield connection
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise psycopg.OperationalError(
                f"PostgreSQL did not answer within {within_s:g} s"
            ) from error

    async def ping(self) -> str | None:
        """None if the database answers, else a sentence; it names no host, /readyz is public.

        Answers within half a second, also where the server hangs; only one of many at a time asks.
        """
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._ask(), name="database.ping")
        await asyncio.wait([self._pinging], timeout=_PING_WAIT_S)
        is_over = self._pinging.done() and not self._pinging.cancelled()
        fault = self._pinging.result() if is_over else "no answer yet"
        if fault is None:
            return None
        return (
            f"PostgreSQL does not answer ({fault}):"
            " check that it runs and that DATABASE_URL is right"
        )

    async def _ask(self) -> str | None:
        """The kind of what went wrong."""
        try:
            async with self.connection(Use.LOOK_UP) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, OSError) as error:
            return type(error).__name__
        return None

    async def renew(self) -> None:
        """Put new connections in the place of all: after an outage the old ones are broken."""
        # Not pool.check(), which swallows a cancellation that arrives while it waits for an answer.
        await self._pool.drain()


@opener
async def open_database(settings: DatabaseSettings, checks: Checks) -> AsyncGenerator[Database]:
    """It is not critical: what is in memory is served without it."""
    database = Database(settings.dsn)
    await database.open()
    checks.append(Check("database", database.ping))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def connect_once(
    dsn: str, application: str = "switchyard", *, within_s: int = CONNECT_S
) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
    """One connection in autocommit, for a job or a command on an event loop.

    Raises SettingsInvalid, and psycopg.OperationalError where there is none `within_s`.
    """
    refuse_malformed(dsn)
    connection = await psycopg.AsyncConnection.connect(
        dsn, application_name=application, connect_timeout=within_s, **SESSION
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
