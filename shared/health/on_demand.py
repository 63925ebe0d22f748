"""A check that somebody asks for now: called for, and known by the name of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection
from shared.db.job_runs import note_run
from shared.health.check_call import CheckCall
from shared.health.checks import is_recorded
from shared.jobs import CHECK_HEALTH

_POLL_S = 0.2


async def request_check(connection: Connection, call: CheckCall, actor: Actor) -> str:
    """The run's name. Raises as CheckCall.send, and has then noted nothing."""
    run = str(uuid4())
    async with connection.transaction():
        await note_run(connection, CHECK_HEALTH.name, run)
        await append_audit(
            connection, actor, Action.HEALTH_CHECK_REQUESTED, "provider", None, details={"run": run}
        )
        await call.send(run)
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
