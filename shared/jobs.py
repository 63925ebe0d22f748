"""Every job of Switchyard, a row each, and the way to call one by its row.

Who calls a job imports neither Dramatiq nor what the job does. Its actor, the clock, Lambda's
template and the tables of the READMEs read the row, or a test holds them to it. A row's name and
queue stay valid as long as a release that may still run knows them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from shared.resources import opener
from shared.settings import CatalogSettings, HealthSettings, RedisSettings, Settings

if TYPE_CHECKING:
    from dramatiq.brokers.redis import RedisBroker

    from shared.keyspace import SyncRedis

NUDGE_TTL_S = 15
"""Who sets a job's flag may die before it enqueues the job; so long nobody else would."""

_DAY_S = 86_400
_TO_END_S = 10


@dataclass(frozen=True)
class Every:
    """Once in each slot of `slot_s`, slots being counted from 1970 on.

    `at_s` behind the slot's start; None: at a random moment of its middle fifth.
    """

    slot_s: int
    at_s: int | None = 0


@dataclass(frozen=True)
class Daily:
    """Once in each UTC day: tried at that minute of each hour until it has run."""

    minute: int
    slot_s: int = _DAY_S


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work that no caller waits for, which may run twice for one call.

    `name` is its actor's; without a `queue` the clock does the work itself. The clock brings it as
    `runs` says, and at its start with `at_start`. A call that is older than `kept_slots` of those
    slots is dropped: of the runs that a worker missed, it makes the last ones.

    `is_nudged`: it is called only while no call is on its way, which a flag in Redis says (set for
    NUDGE_TTL_S) that the job clears before it looks for work. `is_told_run`: it takes the name of
    its run. `is_interrupted`: a worker that is told to end does not wait for it. Backoffs are in s,
    and so is `longest_s`, which the job holds itself to. `rate`: when EventBridge runs it, where
    there is no clock.
    """

    name: str
    queue: str | None = None
    runs: Every | Daily
    at_start: bool = False
    kept_slots: int | None = None
    is_nudged: bool = False
    is_told_run: bool = False
    is_interrupted: bool = False
    max_retries: int = 0
    min_backoff_s: int | None = None
    max_backoff_s: int | None = None
    longest_s: int | None = None
    rate: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What its actor tells `dramatiq.actor`, which counts in ms."""
        seconds = {
            "min_backoff": self.min_backoff_s,
            "max_backoff": self.max_backoff_s,
            "max_age": self.kept_slots and self.kept_slots * self.runs.slot_s,
            "time_limit": self.longest_s and self.longest_s + _TO_END_S,
        }
        return {
            "actor_name": self.name,
            "queue_name": self.queue,
            "max_retries": self.max_retries,
            **({"notify_shutdown": True} if self.is_interrupted else {}),
            **{option: value * 1000 for option, value in seconds.items() if value},
        }


WRITE_USAGE = Job(
    name="usage.write",
    queue="usage",
    runs=Every(5),
    is_nudged=True,
    is_interrupted=True,  # a drain of a long stream would hold the worker, and loses nothing
    max_retries=20,
    min_backoff_s=1,
    max_backoff_s=30,
)
DELIVER_BILLING = Job(
    name="billing.deliver",
    queue="billing",
    runs=Every(10),
    kept_slots=6,
    is_nudged=True,
    rate="rate(1 minute)",
)
PREPARE_PARTITIONS = Job(
    name="usage.partitions",
    queue="usage",
    runs=Daily(minute=7),
    at_start=True,
    max_retries=20,
    min_backoff_s=5,
    max_backoff_s=300,
    rate="rate(1 day)",
)
CHECK_HEALTH = Job(
    name="health.check",
    queue="health",
    runs=Every(300, at_s=None),  # or what LLM_HEALTH_CHECK_INTERVAL says
    at_start=True,
    kept_slots=1,
    is_told_run=True,
    longest_s=120,
    rate="rate(5 minutes)",
)
SYNC_CATALOG = Job(  # where CATALOG_SYNC says so
    name="catalogue.sync",
    queue="catalogue",
    runs=Daily(minute=17),
    at_start=True,
    kept_slots=1,
)
FORGET_STALE_HEALTH = Job(name="health.stale", runs=Every(60, at_s=30), rate="rate(5 minutes)")
TRIM = Job(name="clock.trim", runs=Every(3600, at_s=37 * 60), rate="rate(1 hour)")

JOBS = (
    *(WRITE_USAGE, DELIVER_BILLING, PREPARE_PARTITIONS, CHECK_HEALTH, SYNC_CATALOG),
    *(FORGET_STALE_HEALTH, TRIM),
)


def health_checks_every(interval_s: int) -> Job:
    """CHECK_HEALTH at the interval that is set."""
    return replace(CHECK_HEALTH, runs=Every(interval_s, at_s=None))


def jobs_as_set(settings: Settings) -> list[Job]:
    """JOBS, with what HealthSettings and CatalogSettings say of them."""
    found = {job: job for job in JOBS}
    found[CHECK_HEALTH] = health_checks_every(settings[HealthSettings].interval_s)
    if not settings[CatalogSettings].is_synced:
        del found[SYNC_CATALOG]
    return list(found.values())


class Dispatch:
    """Calls jobs from any thread. Dramatiq is imported, and Redis asked, when first used."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._broker: RedisBroker | None = None
        self._opening = threading.Lock()

    def enqueue(self, job: Job, /, **arguments: Any) -> str:
        """Enqueue a call of `job` with `arguments`, which must be JSON; the message's id.

        Returns though no worker runs, and though none knows the job. Raises redis.RedisError where
        Redis is down; it is asked once: a second try may enqueue a second time.
        """
        from dramatiq import Message  # noqa: PLC0415

        message: Message[Any] = Message(
            queue_name=_queue(job), actor_name=job.name, args=(), kwargs=arguments, options={}
        )
        self._open().enqueue(message)  # pyright: ignore[reportUnknownMemberType]
        return message.message_id

    async def enqueue_soon(self, job: Job, /, **arguments: Any) -> str:
        """`enqueue`, in a thread: the event loop goes on meanwhile."""
        return await asyncio.to_thread(self.enqueue, job, **arguments)

    def nudge(self, job: Job) -> bool:
        """Enqueue a call unless one is on its way: the job clears the flag. Raises as `enqueue`.

        So nothing piles up where no worker runs.
        """
        client = cast("SyncRedis", self._open().client)  # pyright: ignore[reportUnknownMemberType]
        if not set_nudge(client, job, NUDGE_TTL_S):
            return False
        self.enqueue(job)
        return True

    def close(self) -> None:
        with self._opening:
            if self._broker is not None:
                self._broker.client.close()  # pyright: ignore[reportUnknownMemberType]
                self._broker = None

    def _open(self) -> RedisBroker:
        with self._opening:
            if self._broker is None:
                self._broker = _connect(self._url)
            return self._broker


@opener
async def open_dispatch(settings: RedisSettings) -> AsyncGenerator[Dispatch]:
    """Nothing waits for Redis at start."""
    dispatch = Dispatch(settings.url)
    try:
        yield dispatch
    finally:
        dispatch.close()


def set_nudge(client: SyncRedis, job: Job, for_s: int) -> bool:
    """Say that a call of the job is on its way; False where that is said already."""
    return bool(client.set(flag_of(job), b"1", nx=True, ex=for_s))


def clear_nudge(client: SyncRedis, job: Job) -> None:
    """Say that the call has come: who finds work for the job from now on calls it again."""
    client.delete(flag_of(job))


def flag_of(job: Job) -> str:
    """The key in Redis that says that a call of the job is on its way."""
    from shared.keyspace import nudge_flag  # noqa: PLC0415

    return nudge_flag(_queue(job))


def _queue(job: Job) -> str:
    """Raises ValueError for a job that the clock does itself."""
    if job.queue is None:
        raise ValueError(f"{job.name} has no queue: the clock does it")
    return job.queue


def _connect(redis_url: str) -> RedisBroker:
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    from shared.keyspace import ENQUEUE_S, JOB_QUEUES, connect  # noqa: PLC0415

    # Maintenance is the workers': it may run for long, and here somebody waits.
    return RedisBroker(
        client=connect(redis_url, ENQUEUE_S),
        namespace=JOB_QUEUES,
        middleware=[],
        maintenance_chance=0,
    )
