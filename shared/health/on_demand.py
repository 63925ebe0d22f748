"""A check that somebody asks for now: queued, and known by the name of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection
from shared.health.checks import insert_run, is_recorded
from shared.health.queue import HEALTH_ACTOR, HEALTH_QUEUE
from shared.jobs import Dispatch

_POLL_S = 0.2


async def request_check(connection: Connection, dispatch: Dispatch, actor: Actor) -> str:
    """The run's name. Raises redis.RedisError where Redis is away, and has then noted nothing."""
    run = str(uuid4())
    async with connection.transaction():
        await insert_run(connection, HEALTH_ACTOR, run)
        await append_audit(
            connection, actor, Action.HEALTH_CHECK_REQUESTED, "provider", None, details={"run": run}
        )
        await dispatch.enqueue_soon(HEALTH_ACTOR, HEALTH_QUEUE, run=run)
    return run


async def wait_for_check(
    connect: Callable[[], AbstractAsyncContextManager[Connection]], run: str, timeout_s: float
) -> bool:
    """Whether the run was written in time. Holds no connection while it waits."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + timeout_s
    while True:
        async with connect() as connection:
            if await is_recorded(connection, run):
                return True
        if loop.time() >= ends:
            return False
        await asyncio.sleep(_POLL_S)
