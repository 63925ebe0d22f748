"""Runs the jobs on APScheduler, each tick behind its fence, through outages of either server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from redis.exceptions import RedisError

from functions.clock.jobs import Run
from functions.clock.slot_trigger import SlotTrigger
from functions.clock.ticks import boot_tick, tick_of
from shared.db.job_runs import run_once
from shared.db.thread_connection import ThreadConnections
from shared.jobs import Job
from shared.log import Outages, get_logger, one_line

_THREADS = 2
_LATE_S = 60
_AGAIN_S = 5


class Timer:
    """`now` gives the time in UTC; the scheduler itself goes by the machine's."""

    def __init__(
        self,
        runs: Mapping[Job, Run],
        connections: ThreadConnections,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runs = runs
        self._connections = connections
        self._now = now
        self._outages = Outages()
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"coalesce": True, "misfire_grace_time": _LATE_S, "max_instances": 1},
        )

    def start(self) -> None:
        """Start the scheduler's threads, and the jobs that run at start."""
        # Its info lines, two a run, would be most of the log.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        for job in self._runs:
            self._scheduler.add_job(self.run, SlotTrigger.of(job.runs), args=[job], id=job.name)
            if job.at_start:
                self._scheduler.add_job(self.run_at_start, args=[job, boot_tick(self._now())])
        self._scheduler.start()

    def stop(self) -> None:
        """No more runs; waits for one that is under way."""
        self._scheduler.shutdown()

    def run(self, job: Job) -> bool:
        """Run the present tick of the job; False if it has run, or a server is down."""
        return self._run(job, tick_of(job.runs, self._now())) is True

    def run_at_start(self, job: Job, tick: str) -> None:
        """Run that tick now or, where a server is down, as soon as it is back."""
        if self._run(job, tick) is None:
            again = datetime.now(UTC) + timedelta(seconds=_AGAIN_S)
            self._scheduler.add_job(self.run_at_start, DateTrigger(again), args=[job, tick])

    def _run(self, job: Job, tick: str) -> bool | None:
        """False if another clock has run it; None where a server is down."""
        try:
            run = partial(self._runs[job], tick)
            has_run = run_once(self._connections.get(), job.name, tick, run)
        except (psycopg.Error, RedisError) as error:
            if self._outages.begins(job.name):
                get_logger().warning("clock.held_up", job=job.name, reason=one_line(error))
            return None
        if self._outages.ends(job.name):
            get_logger().info("clock.resumed", job=job.name)
        return has_run
