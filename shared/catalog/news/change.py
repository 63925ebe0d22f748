"""Changes of tokens and keys, told beside PostgreSQL: heard also where that hangs.

Each names a topic of `versions`, the version that it moved to, and whom it concerns. Who changes
something tells it once it is committed; what nobody told (an edit by psql, a command) is told by
whoever sees the version move, without saying whom it concerns. Loads no Redis: functions that have
none hear by PostgreSQL alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
from psycopg import sql

from shared.db.connect import Connection
from shared.db.connections import Connects
from shared.log import get_logger

TOKENS, KEYS = "tokens", "keys"
TOLD = (TOKENS, KEYS)
"""The topics that are told: what a process remembers of callers depends on them."""


class Change(msgspec.Struct, frozen=True):
    """`topic` moved to `version`. `whose`: a token's id, a user's; None: anybody's."""

    topic: str
    version: int
    whose: str | None = None


class Unheard(Exception):
    """Whoever carries the news does not answer."""


class News(Protocol):
    """Who carries them: a stream in Redis (stream.py). Belongs to one event loop.

    `tell` and `hear` raise Unheard.
    """

    def has_heard(self, topic: str, version: int) -> bool:
        """Whether that version, or a later one, was told by anybody."""
        ...

    async def tell(self, change: Change) -> None: ...

    async def hear(self) -> list[Change] | None:
        """What was told since the last call. None where something may have been missed: at first,
        and where what was told was lost or dropped meanwhile.
        """
        ...


@asynccontextmanager
async def changing(
    database: Connects, news: News | None, topic: str, whose: str | None
) -> AsyncGenerator[Connection]:
    """A transaction that changes what `topic` stands for, of `whose` alone, or of anybody; told
    when committed.

    Raises psycopg.Error. Redis need not answer: then whoever sees the version move tells it.
    """
    async with database.connection() as connection, connection.transaction():
        yield connection
        version = await _moved_to(connection, topic)
    if news is None or version is None:
        return
    try:
        await news.tell(Change(topic, version, whose))
    except Unheard as error:
        get_logger().warning("change.not_told", topic=topic, error=str(error))


async def _moved_to(connection: Connection, topic: str) -> int | None:
    """The version that this very transaction has moved `topic` to; None: it moved nothing.

    Its row is locked from then on until the commit, so that no two transactions have one version.
    """
    query = sql.SQL(
        "SELECT {} FROM versions WHERE id = 1 AND xmin = pg_current_xact_id_if_assigned()::xid"
    )
    row = await (await connection.execute(query.format(sql.Identifier(topic)))).fetchone()
    return None if row is None else row[0]
