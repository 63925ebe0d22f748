"""Runs the jobs on APScheduler, each tick behind its fence, through outages of either server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
import redis
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from functions.clock.fence import run_once
from functions.clock.jobs import Job
from functions.clock.ticks import boot_tick
from shared.db.thread_connection import ThreadConnections
from shared.log import get_logger

_THREADS = 2
_LATE_S = 60


class Timer:
    """`now` gives the time in UTC; the scheduler itself goes by the machine's."""

    def __init__(
        self,
        jobs: Iterable[Job],
        connections: ThreadConnections,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = list(jobs)
        self._connections = connections
        self._now = now
        self._held_up: set[str] = set()

    def start(self) -> None:
        """Start the scheduler's threads, and the jobs that run at start."""
        # Its info lines, two a run, would be most of the log.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"coalesce": True, "misfire_grace_time": _LATE_S, "max_instances": 1},
        )
        for job in self._jobs:
            scheduler.add_job(self.run, job.trigger, args=[job], id=job.name)
            if job.runs_at_start:
                scheduler.add_job(self.run_at_start, args=[job])
        scheduler.start()

    def run(self, job: Job) -> bool:
        """Run the present tick of the job; False if it has run, or a server is away."""
        return self._run(job, job.tick(self._now()))

    def run_at_start(self, job: Job) -> bool:
        return self._run(job, boot_tick(self._now()))

    def _run(self, job: Job, tick: str) -> bool:
        try:
            has_run = run_once(self._connections.get(), job.name, tick, job.run)
        except (psycopg.Error, redis.RedisError) as error:
            self._note_outage(job, error)
            return False
        if job.name in self._held_up:
            self._held_up.discard(job.name)
            get_logger().info("clock.resumed", job=job.name)
        return has_run

    def _note_outage(self, job: Job, error: Exception) -> None:
        """Say it once an outage: the job is tried again at every tick."""
        if job.name in self._held_up:
            return
        self._held_up.add(job.name)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        get_logger().warning("clock.held_up", job=job.name, reason=reason)
