"""What the clock runs, and when. A job here enqueues or takes a moment: workers do the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis
from apscheduler.triggers.cron import CronTrigger

from functions.clock.fence import trim_runs
from functions.clock.ticks import day_tick, slot_tick
from functions.write_usage.partitions import PARTITIONS_ACTOR
from shared.db.thread_connection import ThreadConnections
from shared.dispatch import Dispatch
from shared.usage.batch import NUDGE, NUDGE_TTL_S, WRITE_ACTOR, WRITE_QUEUE
from shared.usage.billing_event import BILLING_NUDGE, BILLING_QUEUE, DELIVER_ACTOR

_NUDGE_EVERY_S = 5
_DELIVER_EVERY_S = 10
_HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """`trigger` is APScheduler's; `tick` names the run that falls on a moment.

    A tick longer than the trigger's pauses is a job that is tried until it has run once in it.
    """

    name: str
    trigger: Any
    tick: Callable[[datetime], str]
    run: Callable[[], object]
    runs_at_start: bool = False


def jobs(client: redis.Redis, dispatch: Dispatch, connections: ThreadConnections) -> list[Job]:
    return [
        Job(
            WRITE_ACTOR,
            # On the wall clock's fives: the clocks of several machines then meet in one slot.
            CronTrigger(second=f"*/{_NUDGE_EVERY_S}", timezone=UTC),
            partial(slot_tick, slot_s=_NUDGE_EVERY_S),
            partial(nudge, client, dispatch, NUDGE, WRITE_ACTOR, WRITE_QUEUE),
        ),
        Job(
            DELIVER_ACTOR,
            CronTrigger(second=f"*/{_DELIVER_EVERY_S}", timezone=UTC),
            partial(slot_tick, slot_s=_DELIVER_EVERY_S),
            partial(nudge, client, dispatch, BILLING_NUDGE, DELIVER_ACTOR, BILLING_QUEUE),
        ),
        Job(
            PARTITIONS_ACTOR,
            CronTrigger(minute=7, timezone=UTC),
            day_tick,
            partial(dispatch.enqueue, PARTITIONS_ACTOR, WRITE_QUEUE),
            runs_at_start=True,
        ),
        Job(
            "clock.trim",
            CronTrigger(minute=37, timezone=UTC),
            partial(slot_tick, slot_s=_HOUR_S),
            lambda: trim_runs(connections.get()),
        ),
    ]


def nudge(client: redis.Redis, dispatch: Dispatch, flag: str, actor: str, queue: str) -> bool:
    """Call an actor, unless it has been called and has not come yet: it clears the flag.

    Shippers call the writer of usage too, after each batch; this is for nudges that were lost.
    """
    if not client.set(flag, b"1", nx=True, ex=NUDGE_TTL_S):
        return False
    dispatch.enqueue(actor, queue)
    return True
