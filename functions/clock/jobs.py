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
from functions.clock.slot_trigger import SlotTrigger
from functions.clock.ticks import day_tick, slot_tick
from functions.sync_catalog.queue import SYNC_ACTOR, SYNC_QUEUE
from functions.write_usage.partitions import PARTITIONS_ACTOR
from shared.db.dead_letters import trim_dead_letters
from shared.db.thread_connection import ThreadConnections
from shared.health.checks import forget_stale, trim_history
from shared.health.hysteresis import stale_after
from shared.health.queue import HEALTH_ACTOR, HEALTH_QUEUE
from shared.jobs import Dispatch
from shared.ledger.batch import NUDGE, NUDGE_TTL_S, WRITE_ACTOR, WRITE_QUEUE
from shared.ledger.billing_event import BILLING_NUDGE, BILLING_QUEUE, DELIVER_ACTOR
from shared.log import get_logger

_NUDGE_EVERY_S = 5
_MINUTE_S = 60
_DELIVER_EVERY_S = 10
_HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """`trigger` is APScheduler's; `tick` names the run of a moment, and `run` is told that name.

    A tick longer than the trigger's pauses is a job that is tried until it has run once in it.
    """

    name: str
    trigger: Any
    tick: Callable[[datetime], str]
    run: Callable[[str], object]
    runs_at_start: bool = False


def jobs(
    client: redis.Redis,
    dispatch: Dispatch,
    connections: ThreadConnections,
    *,
    health_interval_s: int,
    syncs_catalog: bool = False,
) -> list[Job]:
    wanted = [
        Job(
            WRITE_ACTOR,
            # On the wall clock's fives: the clocks of several machines then meet in one slot.
            CronTrigger(second=f"*/{_NUDGE_EVERY_S}", timezone=UTC),
            partial(slot_tick, slot_s=_NUDGE_EVERY_S),
            lambda _: nudge(client, dispatch, NUDGE, WRITE_ACTOR, WRITE_QUEUE),
        ),
        Job(
            DELIVER_ACTOR,
            CronTrigger(second=f"*/{_DELIVER_EVERY_S}", timezone=UTC),
            partial(slot_tick, slot_s=_DELIVER_EVERY_S),
            lambda _: nudge(client, dispatch, BILLING_NUDGE, DELIVER_ACTOR, BILLING_QUEUE),
        ),
        Job(
            PARTITIONS_ACTOR,
            CronTrigger(minute=7, timezone=UTC),
            day_tick,
            lambda _: dispatch.enqueue(PARTITIONS_ACTOR, WRITE_QUEUE),
            runs_at_start=True,
        ),
        Job(
            HEALTH_ACTOR,
            SlotTrigger(health_interval_s),
            partial(slot_tick, slot_s=health_interval_s),
            partial(check_health, dispatch),
            runs_at_start=True,
        ),
        Job(
            "health.stale",
            CronTrigger(second=30, timezone=UTC),
            partial(slot_tick, slot_s=_MINUTE_S),
            lambda _: forget_stale_health(connections, health_interval_s),
        ),
        Job(
            "clock.trim",
            CronTrigger(minute=37, timezone=UTC),
            partial(slot_tick, slot_s=_HOUR_S),
            lambda _: trim(connections),
        ),
    ]
    if syncs_catalog:
        wanted.append(
            Job(
                SYNC_ACTOR,
                CronTrigger(minute=17, timezone=UTC),
                day_tick,
                lambda _: dispatch.enqueue(SYNC_ACTOR, SYNC_QUEUE),
                runs_at_start=True,
            )
        )
    return wanted


def nudge(client: redis.Redis, dispatch: Dispatch, flag: str, actor: str, queue: str) -> bool:
    """Call an actor, unless it has been called and has not come yet: it clears the flag.

    Shippers call the writer of usage too, after each batch; this is for nudges that were lost.
    """
    if not client.set(flag, b"1", nx=True, ex=NUDGE_TTL_S):
        return False
    dispatch.enqueue(actor, queue)
    return True


def check_health(dispatch: Dispatch, tick: str) -> None:
    """Ask for a check of every provider, named as its tick: where a clock dies between this and its
    row, another one asks again, and the check is still made once.
    """
    dispatch.enqueue(HEALTH_ACTOR, HEALTH_QUEUE, run=tick)


def forget_stale_health(connections: ThreadConnections, interval_s: int) -> None:
    """Where no worker checks any more, nobody else would say so."""
    stale_s = int(stale_after(interval_s).total_seconds())
    if forgotten := forget_stale(connections.get(), stale_s):
        get_logger().warning("health.stale", providers=forgotten)


def trim(connections: ThreadConnections) -> None:
    """Forget what is long past: ticks, checks of health, jobs that were given up."""
    connection = connections.get()
    trim_runs(connection)
    trim_history(connection)
    trim_dead_letters(connection)
