"""The last release is replaced while clients ask: its database, its spool and its stream are taken
over, old and new processes side by side, and every row is there once.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.fakes.gateway import Deployment
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.balancer import Balancer
from tests.faults.clients import Outcome, many
from tests.faults.exactness import assert_exact, assert_sums_are_the_rows, completions
from tests.faults.procfile import commands_of

LAST_RELEASE = "6638afb"
AT_ONCE = 6
SLOWLY = "delay-150+drip-30+events-8"


class Release:
    """The processes of one release, in its own folder, over what both releases share."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        # Before the path of this clone, which is installed as an editable package.
        environment = {**environment, "PYTHONPATH": str(folder), "DRAIN_S": "1"}
        release, web, worker, clock = commands_of(folder)
        commands = (release, web, web, worker, clock)
        processes = [ProcfileProcess(command, environment, folder) for command in commands]
        self._migrate, self.here, self.there, self.worker, self.clock = processes

    def start(self, stack: ExitStack) -> None:
        """As a platform does: the release command to its end, then the others."""
        with self._migrate as migrate:
            assert migrate.process.wait(timeout=60) == 0, migrate.output()
        for process in (self.here, self.there, self.worker, self.clock):
            stack.enter_context(process)
        for web in (self.here, self.there):
            web.wait_until_ready()


@pytest.fixture
def last_release(tmp_path: Path) -> Path:
    """Its tree, out of this clone's history."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    archive = subprocess.run(
        [*git, "archive", "--format=tar", LAST_RELEASE], capture_output=True, check=False
    )
    if archive.returncode != 0:
        pytest.skip(f"this clone has no history back to {LAST_RELEASE}: fetch all of it")
    folder = tmp_path / "last-release"
    folder.mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def ran_from(release: Path) -> str:
    """Where a process of that release has its code from."""
    found = subprocess.run(
        [sys.executable, "-c", "import shared; print(shared.__file__)"],
        cwd=release,
        env={"PYTHONPATH": str(release)},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout


async def load_over_upgrade(
    stack: ExitStack, old: Release, new: Release, side_by_side_s: float
) -> Outcome:
    """JSON and streams in turns, from before the new release comes until after the old is gone."""
    done = asyncio.Event()
    endless = itertools.takewhile(lambda _: not done.is_set(), itertools.count())

    async def upgrade() -> None:
        await asyncio.sleep(2)
        await asyncio.to_thread(new.start, stack)
        await asyncio.sleep(side_by_side_s)
        ending = (old.here, old.worker, old.clock)
        for process in ending:
            process.terminate()
        await asyncio.to_thread(old.there.kill)
        for process in ending:
            assert await asyncio.to_thread(process.has_ended, 30), process.output()
        await asyncio.sleep(2)
        done.set()

    balancer = Balancer([web.url for web in (old.here, old.there, new.here, new.there)])
    async with balancer.looking():
        load = many(
            old.here.url, requests=endless, at_once=AT_ONCE, transport=balancer, simulate=SLOWLY
        )
        outcome, _ = await asyncio.gather(load, upgrade())
    return outcome


@pytest.mark.long
@pytest.mark.parametrize("side_by_side_s", [20.0, 60.0])
def test_the_last_release_is_replaced_under_load_and_each_row_is_there_once(
    last_release: Path,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    simulated: SimulatedProvider,
    side_by_side_s: float,
) -> None:
    """Holds the formats of spool, stream, queues, ticks, health and circuits, and the tables."""
    assert str(last_release) in ran_from(last_release)
    deployment = Deployment(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        simulated_url=simulated.url,
        more={"LLM_HEALTH_CHECK_INTERVAL": "2"},
    )
    with ExitStack() as stack:
        old = Release(last_release, deployment.environment)
        new = Release(ROOT, deployment.environment)
        old.start(stack)
        outcome = asyncio.run(load_over_upgrade(stack, old, new, side_by_side_s))
        rows = deployment.rows_when(
            lambda rows: outcome.whole.keys() <= {row["request_id"] for row in rows}, 60
        )
        for worker in (old.worker, new.worker):
            assert "usage.written" in worker.output(), worker.output()
        for process in (old.worker, new.worker, old.clock, new.clock):
            assert "Traceback" not in process.output(), process.output()
    # The killed process had so many requests in hand, and no other lost any.
    assert sum(outcome.failed.values()) <= AT_ONCE, outcome.failed
    assert len(outcome.whole) > 10 * side_by_side_s
    assert len(completions(simulated)) >= len(outcome.whole)
    assert_exact(rows, outcome)
    assert_sums_are_the_rows(deployment, rows)
