"""R14 and R15 of the fault tests, shortened: clocks and workers die, each tick and job is run."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from dramatiq import Message

from shared.jobs import Dispatch, Every, Job
from shared.keyspace import JOB_ATTEMPTS, JOB_QUEUES

# Those of tests/fakes/poison_worker.py, which makes a broker when it is imported.
QUEUE, DONE, DEATHS = "poison", "test:done", "test:deaths"

DRAMATIQ = Path(sys.executable).with_name("dramatiq")


class Processes:
    """Started with one environment, and gone at the end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, 9)
            process.wait()


@pytest.fixture
def processes(redis_url: str, migrated_database_url: str) -> Iterator[Processes]:
    processes = Processes(
        {
            "DATABASE_URL": migrated_database_url,
            "REDIS_URL": redis_url,
            "LLM_HEALTH_CHECK_INTERVAL": "1",
        }
    )
    yield processes
    processes.end()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.slow
def test_three_clocks_whose_leader_is_killed_run_each_tick_once(
    processes: Processes, client: redis.Redis, migrated_database_url: str
) -> None:
    def clock() -> subprocess.Popen[bytes]:
        return processes.start(sys.executable, "-m", "functions.clock.main")

    def ticks() -> list[str]:
        with psycopg.connect(migrated_database_url) as connection:
            found = connection.execute(
                "SELECT tick FROM job_runs WHERE name = 'health.check' AND tick NOT LIKE 'boot:%'"
                " ORDER BY tick"
            ).fetchall()
        return [row[0] for row in found]

    clocks = [clock() for _ in range(3)]
    deadline = time.monotonic() + 30
    while len(ticks()) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    for _ in range(2):
        time.sleep(1.5)
        # Whoever is first: the others go on without it, and it comes back.
        clocks[0].kill()
        clocks[0].wait()
        clocks = [*clocks[1:], clock()]
    time.sleep(2)
    processes.end()

    seconds = [datetime.fromisoformat(tick).astimezone(UTC).timestamp() for tick in ticks()]
    assert len(seconds) >= 7
    gaps = [after - before for before, after in itertools.pairwise(seconds)]
    assert max(gaps) <= 3, gaps  # at most two ticks missed in a row
    with psycopg.connect(migrated_database_url) as connection:
        rows = connection.execute("SELECT tick FROM job_runs WHERE name = 'health.check'")
        held = {tick for (tick,) in rows}
    asked = {Message.decode(one).kwargs["run"] for one in client.hvals(f"{JOB_QUEUES}:health.msgs")}
    # A run is named as its tick: asked for twice, it is made once. The last one may have been
    # asked for by a clock that was killed before its row was there.
    assert held <= asked
    assert len(asked - held) <= 1


def called(name: str) -> Job:
    return Job(name=name, queue=QUEUE, runs=Every(1))


@pytest.mark.slow
def test_a_poison_job_is_given_up_after_three_deaths_and_the_others_are_done(
    processes: Processes, client: redis.Redis, redis_url: str, migrated_database_url: str
) -> None:
    dispatch = Dispatch(redis_url)
    for number in range(100):
        if number == 50:
            poison_id = dispatch.enqueue(called("poison"))
        dispatch.enqueue(called("harmless"), number=number)

    def letters() -> dict[str, tuple[str, str, dict[str, Any]]]:
        with psycopg.connect(migrated_database_url) as connection:
            rows = connection.execute(
                "SELECT message_id, actor, reason, message FROM dead_letters"
            ).fetchall()
        return {row[0]: row[1:] for row in rows}

    def worker() -> subprocess.Popen[bytes]:
        command = [DRAMATIQ, "tests.fakes.poison_worker:broker", "--queues", QUEUE]
        return processes.start(*command, "--processes", "1", "--threads", "2")

    def work_until_given_up(count: int) -> None:
        nonlocal running
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if len(letters()) == count and client.scard(DONE) == 100:
                break
            if running.poll() is not None:
                running = worker()  # as `up` and every platform do
            time.sleep(0.1)

    running = worker()
    work_until_given_up(1)
    # Not beside the poison: a worker that dies dies in every job that it holds.
    failing_id = dispatch.enqueue(called("failing"))
    dispatch.close()
    work_until_given_up(2)
    assert client.scard(DONE) == 100
    assert int(client.get(DEATHS) or 0) == 3
    kept = letters()
    assert kept[poison_id][:2] == ("poison", "its worker died in it 3 times")
    assert kept[failing_id][:2] == ("failing", "ValueError")
    assert "sk-secret" not in str(kept)
    assert client.keys(JOB_ATTEMPTS + "*") == []
