"""What the clock does for each job: it enqueues or takes a moment, and workers do the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.db.dead_letters import trim_dead_letters
from shared.db.job_runs import trim_runs
from shared.db.thread_connection import ThreadConnections
from shared.health.checks import forget_stale, trim_history
from shared.health.hysteresis import stale_after
from shared.jobs import FORGET_STALE_HEALTH, TRIM, Dispatch, Job, jobs_as_set
from shared.ledger.outbox import trim_outbox
from shared.ledger.quarantine import trim_quarantine
from shared.log import get_logger
from shared.settings import HealthSettings, Settings

Run = Callable[[str], object]
"""Is told the name of its tick."""


def runs(
    dispatch: Dispatch, connections: ThreadConnections, settings: Settings
) -> Mapping[Job, Run]:
    """Of every job that the settings want."""
    interval_s = settings[HealthSettings].interval_s
    own: Mapping[Job, Run] = {
        FORGET_STALE_HEALTH: lambda _: forget_stale_health(connections, interval_s),
        TRIM: lambda _: trim(connections),
    }
    return {job: own.get(job) or _calling(dispatch, job) for job in jobs_as_set(settings)}


def _calling(dispatch: Dispatch, job: Job) -> Run:
    """A job that is told its run's name may be asked for twice, and is done once: where a clock
    dies between this and its row, another one asks again.
    """
    if job.is_nudged:
        return lambda _: dispatch.nudge(job)
    if job.is_told_run:
        return lambda tick: dispatch.enqueue(job, run=tick)
    return lambda _: dispatch.enqueue(job)


def forget_stale_health(connections: ThreadConnections, interval_s: int) -> None:
    """Where no worker checks any more, nobody else would say so."""
    stale_s = int(stale_after(interval_s).total_seconds())
    if forgotten := forget_stale(connections.get(), stale_s):
        get_logger().warning("health.stale", providers=forgotten)


def trim(connections: ThreadConnections) -> None:
    """Forget what is long past: ticks, checks of health, jobs that were given up, what billing was
    told, what was set aside and is written now.
    """
    connection = connections.get()
    trim_runs(connection)
    trim_history(connection)
    trim_dead_letters(connection)
    trim_outbox(connection)
    trim_quarantine(connection)
