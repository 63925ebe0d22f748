"""Any number of clocks run each tick once, and go on through outages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis
from dramatiq import Message
from structlog.testing import capture_logs

from functions.clock.jobs import Run, runs
from functions.clock.main import SETTINGS
from functions.clock.timer import Timer
from shared.db.job_runs import KEPT_DAYS, run_once, trim_runs
from shared.db.thread_connection import ThreadConnections
from shared.jobs import (
    CHECK_HEALTH,
    NUDGE_TTL_S,
    SYNC_CATALOG,
    WRITE_USAGE,
    Daily,
    Dispatch,
    Every,
    Job,
    clear_nudge,
)
from shared.keyspace import JOB_QUEUES, nudge_flag
from shared.settings import Settings, load_settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def connections(migrated_database_url: str) -> Iterator[ThreadConnections]:
    connections = ThreadConnections(migrated_database_url)
    yield connections
    connections.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def dispatch(redis_url: str) -> Iterator[Dispatch]:
    dispatch = Dispatch(redis_url)
    yield dispatch
    dispatch.close()


EVERY_5_S = Job(name="test.job", runs=Every(5))


def settings(*, syncs: bool = False) -> Settings:
    away = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    return load_settings(*SETTINGS, **away, CATALOG_SYNC=str(syncs))


def every_5_s(run: Callable[[], object]) -> dict[Job, Run]:
    return {EVERY_5_S: lambda _: run()}


def enqueued(client: redis.Redis) -> list[str]:
    queues = ("usage", "health", "billing")
    messages = [one for queue in queues for one in client.hvals(f"{JOB_QUEUES}:{queue}.msgs")]
    return sorted(Message.decode(message).actor_name for message in messages)


def test_clocks_that_meet_in_one_tick_run_it_once(connections: ThreadConnections) -> None:
    runs: list[str] = []
    job = every_5_s(lambda: runs.append("ran"))
    clocks = [Timer(job, connections, lambda: NOON) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda clock: clock.run(EVERY_5_S), clocks))
    assert (sorted(outcomes), runs) == ([False] * 7 + [True], ["ran"])


def test_the_next_tick_runs_again(connections: ThreadConnections) -> None:
    now = [NOON]
    runs: list[str] = []
    job = every_5_s(lambda: runs.append("ran"))
    clock = Timer(job, connections, lambda: now[0])
    outcomes: list[bool] = []
    for seconds in (0, 4, 5, 9, 10):
        now[0] = NOON + timedelta(seconds=seconds)
        outcomes.append(clock.run(EVERY_5_S))
    assert outcomes == [True, False, True, False, True]
    assert len(runs) == 3


def test_a_job_that_failed_leaves_its_tick_to_the_next_try(connections: ThreadConnections) -> None:
    tries: list[str] = []

    def fails_once(_: str) -> None:
        tries.append("tried")
        if len(tries) == 1:
            raise redis.ConnectionError("away")

    job = Job(name="test.job", runs=Daily(minute=0))
    clock = Timer({job: fails_once}, connections, lambda: NOON)
    assert [clock.run(job), clock.run(job), clock.run(job)] == [False, True, False]
    assert len(tries) == 2


def test_an_outage_is_said_once_and_its_end_too(connections: ThreadConnections) -> None:
    is_away = [True]
    now = [NOON]

    def run() -> None:
        if is_away[0]:
            raise redis.ConnectionError("away")

    job = every_5_s(run)
    clock = Timer(job, connections, lambda: now[0])
    with capture_logs() as logs:
        for away in (True, True, True, False, False, True):
            is_away[0] = away
            now[0] += timedelta(seconds=5)
            clock.run(EVERY_5_S)
    assert [line["event"] for line in logs] == ["clock.held_up", "clock.resumed", "clock.held_up"]


def test_a_database_that_is_away_holds_the_clock_up_and_does_not_end_it() -> None:
    runs: list[str] = []
    job = every_5_s(lambda: runs.append("ran"))
    clock = Timer(job, ThreadConnections("postgresql://nobody@127.0.0.1:1/none"), lambda: NOON)
    with capture_logs() as logs:
        assert [clock.run(EVERY_5_S), clock.run(EVERY_5_S)] == [False, False]
    assert [line["event"] for line in logs] == ["clock.held_up"]
    assert runs == []


def test_old_runs_are_forgotten_and_recent_ones_are_not(connections: ThreadConnections) -> None:
    connection = connections.get()
    for tick, days in (("old", KEPT_DAYS + 1), ("recent", KEPT_DAYS - 1)):
        connection.execute(
            "INSERT INTO job_runs (name, tick, started_at)"
            " VALUES ('test.job', %s, now() - make_interval(days => %s))",
            (tick, days),
        )
    assert trim_runs(connection) == 1
    assert run_once(connection, "test.job", "recent", lambda: None) is False


def test_the_writer_is_called_once_until_it_comes(client: redis.Redis, dispatch: Dispatch) -> None:
    flag = nudge_flag("usage")
    assert [dispatch.nudge(WRITE_USAGE), dispatch.nudge(WRITE_USAGE)] == [True, False]
    assert enqueued(client) == ["usage.write"]
    assert 0 < client.ttl(flag) <= NUDGE_TTL_S
    clear_nudge(client, WRITE_USAGE)
    assert dispatch.nudge(WRITE_USAGE) is True
    assert enqueued(client) == ["usage.write", "usage.write"]


def test_every_job_runs(
    client: redis.Redis, dispatch: Dispatch, connections: ThreadConnections
) -> None:
    every = runs(dispatch, connections, settings())
    clock = Timer(every, connections, lambda: NOON)
    assert [clock.run(job) for job in every] == [True] * len(every)
    assert enqueued(client) == [
        "billing.deliver",
        "health.check",
        "usage.partitions",
        "usage.write",
    ]


def test_the_catalog_is_synced_once_a_day_where_that_is_asked_for(
    client: redis.Redis, dispatch: Dispatch, connections: ThreadConnections
) -> None:
    def run(*, syncs: bool) -> list[bool]:
        every = runs(dispatch, connections, settings(syncs=syncs))
        clock = Timer(every, connections, lambda: NOON)
        return [clock.run(job) for job in [*every] * 2 if job.name == SYNC_CATALOG.name]

    assert run(syncs=False) == []
    assert run(syncs=True) == [True, False]
    assert client.hlen(f"{JOB_QUEUES}:catalogue.msgs") == 1


def test_a_check_is_named_as_its_tick_so_that_asking_twice_makes_one(
    client: redis.Redis, dispatch: Dispatch, connections: ThreadConnections
) -> None:
    every = runs(dispatch, connections, settings())
    (job,) = [job for job in every if job.name == CHECK_HEALTH.name]
    clocks = [Timer(every, connections, lambda: NOON) for _ in range(2)]
    assert [clock.run(job) for clock in clocks] == [True, False]
    # As where a clock dies after it has asked, and before its row is there.
    connections.get().execute("DELETE FROM job_runs")
    clocks[1].run(job)
    messages = [Message.decode(one) for one in client.hvals(f"{JOB_QUEUES}:health.msgs")]
    assert [one.kwargs for one in messages] == [{"run": "2026-03-01T12:00:00Z"}] * 2


def test_a_start_while_the_database_is_away_is_made_up_for(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.clock.timer._AGAIN_S", 0.1)
    runs: list[str] = []
    connections = ThreadConnections("postgresql://nobody@127.0.0.1:1/none")
    in_half_an_hour = (datetime.now(UTC).minute + 30) % 60
    job = Job(name="test.job", runs=Daily(in_half_an_hour), at_start=True)
    clock = Timer({job: runs.append}, connections)
    with capture_logs():
        clock.start()
        time.sleep(0.3)
        assert runs == []
        monkeypatch.setattr(connections, "_dsn", migrated_database_url)
        deadline = time.monotonic() + 20
        while not runs and time.monotonic() < deadline:
            time.sleep(0.05)
    clock.stop()
    connections.close()
    assert len(runs) == 1
    assert runs[0].startswith("boot:")


def test_the_process_enqueues_at_start_and_ends_at_once_on_sigterm(
    client: redis.Redis, redis_url: str, migrated_database_url: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "functions.clock.main"],
        env={**os.environ, "DATABASE_URL": migrated_database_url, "REDIS_URL": redis_url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while "usage.partitions" not in enqueued(client) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "usage.partitions" in enqueued(client)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in said.splitlines()]
    started = "Health monitor started (interval: 300s)"
    assert events == ["clock.started", started, "clock.stopping"]


def test_the_process_says_which_setting_is_missing() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "-m", "functions.clock.main"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "REDIS_URL is not set, for example REDIS_URL=redis://" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_tick_of_a_clock_that_died_in_it_is_run_by_another(
    connections: ThreadConnections, migrated_database_url: str
) -> None:
    with psycopg.connect(migrated_database_url) as dying:
        dying.execute("INSERT INTO job_runs (name, tick) VALUES ('test.job', 'x')")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                lambda: run_once(connections.get(), "test.job", "x", lambda: None)
            )
            dying.rollback()
            assert waiting.result(timeout=10) is True
