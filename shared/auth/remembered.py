"""What one query found, kept for whoever asks next: bounded, asked for once, forgotten whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import psycopg

from shared.db.connect import WAIT_S
from shared.errors import NotReady
from shared.log import get_logger

MAX_REMEMBERED = 100_000

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, at most `limit`, and as many keys without one. Belongs to one event loop.

    `query` asks the database; None: there is no such thing. A query that began before `forget` is
    neither joined nor remembered after it, as it may have read what is no longer so. Where it
    fails, `event` is logged and `complaint` is the error's sentence.
    """

    def __init__(
        self,
        query: Callable[[K], Awaitable[V | None]],
        *,
        event: str,
        complaint: str,
        limit: int = MAX_REMEMBERED,
    ) -> None:
        self._query = query
        self._limit = limit
        self._event = event
        self._complaint = complaint
        self._values: dict[K, V] = {}
        # Apart, so that a flood of made-up keys drives out no real one.
        self._absent: dict[K, None] = {}
        self._lookups: dict[K, asyncio.Task[V | None]] = {}
        # Every request asks this: no frame of ours between.
        self.recall: Callable[[K], V | None] = self._values.get
        """The value if it is remembered; no I/O, no lock."""

    async def load(self, key: K) -> V | None:
        """The value, asking the database if need be: one query however many wait for it.

        Raises NotReady where the database is down.
        """
        value = self._values.get(key)
        if value is not None or key in self._absent:
            return value
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.create_task(self._look_up(key))
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(lookup)
        # All else is a fault of the query: a user's name that no table can hold, say.
        except (psycopg.OperationalError, OSError) as error:
            get_logger().warning(self._event, error=type(error).__name__)
            raise NotReady(self._complaint, code="database_unavailable") from error

    def replace(self, key: K, value: V) -> None:
        """Put `value` in the place of what is remembered, if anything is."""
        if key in self._values:
            self._values[key] = value

    def forget(self, key: K | None = None) -> None:
        """Drop everything, or what is known of `key`: the table has changed."""
        if key is None:
            for memory in (self._values, self._absent, self._lookups):
                memory.clear()
        else:
            for memory in (self._values, self._absent, self._lookups):
                memory.pop(key, None)

    def forget_where(self, is_meant: Callable[[V], bool]) -> None:
        """Drop what `is_meant`, and all of which nothing is known: it may be that."""
        for key in [key for key, value in self._values.items() if is_meant(value)]:
            del self._values[key]
        self._absent.clear()
        self._lookups.clear()

    async def _look_up(self, key: K) -> V | None:
        this = asyncio.current_task()
        try:
            value = await self._query(key)
            if self._lookups.get(key) is this:
                self._keep(key, value)
            return value
        finally:
            if self._lookups.get(key) is this:
                del self._lookups[key]

    def _keep(self, key: K, value: V | None) -> None:
        memory = self._absent if value is None else self._values
        if len(memory) >= self._limit:
            del memory[next(iter(memory))]
        if value is None:
            self._absent[key] = None
        else:
            self._values[key] = value
