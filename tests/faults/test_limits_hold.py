"""Limits hold at every instant over processes that are killed, a Redis that is lost, a PostgreSQL
that is away: R9 and R10. What each process did is put in its order, and looked at after each step.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.faults.limit_process import NAIVE

BUDGET = 40_000
RATE = 600
_ROOT = Path(__file__).parents[2]


class Step:
    def __init__(self, line: str, process: str) -> None:
        at, reserved, used = line.split()
        self.at, self.reserved, self.used = float(at), int(reserved), int(used)
        self.process = process


class Field:
    """Processes, and what they wrote."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.url, self.folder = redis_url, folder
        self.redis = Redis.from_url(redis_url)
        self.killed: list[tuple[float, str]] = []
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, way: str, name: str, limit: int) -> None:
        command = [
            *(sys.executable, "-m", "tests.faults.limit_process", self.url),
            *(str(self.folder), name, way, str(limit)),
        ]
        self.running[f"{way}-{name}"] = subprocess.Popen(command, cwd=_ROOT)

    def kill(self, process: str) -> None:
        self.killed.append((time.monotonic(), process))
        one = self.running.pop(process)
        one.kill()
        one.wait()

    def steps(self, way: str) -> list[Step]:
        steps = [
            Step(line, file.name)
            for file in self.folder.glob(f"{way}-*")
            for line in file.read_text().splitlines()
        ]
        return sorted(steps, key=lambda one: one.at)

    def used(self, way: str) -> int:
        return sum(max(0, one.used) for one in self.steps(way))

    def most(self, way: str) -> int:
        """The largest of spent + reserved that ever was; what who died had reserved is let go."""
        spent, most = 0, 0
        reserved: dict[str, int] = defaultdict(int)
        killed = list(self.killed)
        for step in self.steps(way):
            while killed and killed[0][0] < step.at:
                reserved.pop(killed.pop(0)[1], None)
            if step.used < 0:
                reserved[step.process] += step.reserved
            else:
                reserved[step.process] -= step.reserved
                spent += step.used
            most = max(most, spent + sum(reserved.values()))
        return most


@contextmanager
def field(redis_url: str, folder: Path) -> Iterator[Field]:
    held = Field(redis_url, folder)
    try:
        yield held
    finally:
        for process in [*held.running]:
            held.kill(process)
        held.redis.close()


def wait_until_used(held: Field, way: str, amount: int, within_s: float) -> None:
    ends = time.monotonic() + within_s
    while held.used(way) < amount:
        assert time.monotonic() < ends, f"{held.used(way)} of {amount} were used"
        assert all(one.poll() is None for one in held.running.values())
        time.sleep(0.05)


@pytest.mark.slow
def test_four_processes_of_which_some_are_killed_keep_a_budget_that_a_naive_count_breaks(
    redis_url: str, tmp_path: Path
) -> None:
    with field(redis_url, tmp_path) as held:
        for number in range(4):
            held.start("budget", str(number), BUDGET)
        for number in range(3):
            held.start("rate", str(number), RATE)
            held.start("naive", str(number), BUDGET // 20)
        wait_until_used(held, "budget", BUDGET // 4, 60)
        held.kill("budget-0")
        held.start("budget", "4", BUDGET)
        wait_until_used(held, "budget", BUDGET // 2, 60)
        wait_until_used(held, "naive", BUDGET // 20, 60)
    assert BUDGET // 2 <= held.most("budget") <= BUDGET
    assert held.most("naive") > BUDGET // 20
    assert held.redis.get(NAIVE) is not None
    check_rate(held)


def check_rate(held: Field) -> None:
    """Of a minute's bucket: never more than it holds and what flowed in meanwhile."""
    served = [one.at for one in held.steps("rate") if one.used < 0]
    assert len(served) >= RATE * 0.9
    for count, at in enumerate(served, start=1):
        assert count <= RATE + (at - served[0]) * RATE / 60 + 1


@pytest.mark.long
def test_for_minutes_with_a_kill_every_two_seconds_a_flush_and_a_postgresql_that_is_away(
    redis_url: str, tmp_path: Path
) -> None:
    limit = 2_000_000
    with field(redis_url, tmp_path) as held:
        for number in range(4):
            held.start("budget", str(number), limit)
        wait_until_used(held, "budget", 1, 60)
        for turn in range(60):
            time.sleep(2.0)
            held.kill([*held.running][turn % 4])
            held.start("budget", str(4 + turn), limit)
            if turn == 20:
                held.redis.flushdb()
            if turn == 40:
                (tmp_path / "away").touch()
            if turn == 45:
                (tmp_path / "away").unlink()
    assert len(held.steps("budget")) > 1000
    assert held.most("budget") <= limit
