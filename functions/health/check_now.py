"""Queues a check, and waits for it where the caller wants to."""

from __future__ import annotations

from redis.exceptions import RedisError

from shared.db.audit import Actor
from shared.db.connect import Database
from shared.errors import ServiceUnavailable
from shared.health.on_demand import request_check, wait_for_check
from shared.jobs import Dispatch

WAIT_S = 20.0


async def check_now(
    database: Database, dispatch: Dispatch, actor: Actor, *, wait: bool
) -> tuple[str, bool]:
    """The run's name, and whether it is done.

    Raises ServiceUnavailable where Redis is away, psycopg.OperationalError where PostgreSQL is.
    """
    try:
        async with database.connection() as connection:
            run = await request_check(connection, dispatch, actor)
        return run, wait and await wait_for_check(database.connection, run, WAIT_S)
    except RedisError as error:
        raise ServiceUnavailable("The check could not be queued: Redis does not answer.") from error
