"""A release replaces one web process after the other while clients ask: none of them notices."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack

import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.balancer import Balancer
from tests.faults.clients import Outcome, many
from tests.faults.exactness import (
    assert_exact,
    assert_sums_are_the_rows,
    completions,
    rows_when,
)
from tests.faults.procfile import WEB

AT_ONCE = 12
SLOWLY = "delay-150+drip-30+events-8"


def restart(web: ProcfileProcess) -> None:
    web.terminate()
    assert web.has_ended(30), web.output()
    web.start()
    web.wait_until_ready()


async def load_over_restarts(webs: list[ProcfileProcess]) -> Outcome:
    """JSON and streams in turns, from before the first restart until after the last."""
    balancer, done = Balancer([web.url for web in webs]), asyncio.Event()
    endless = itertools.takewhile(lambda _: not done.is_set(), itertools.count())

    async def restarts() -> None:
        await asyncio.sleep(0.5)
        for web in webs:
            await asyncio.to_thread(restart, web)
            await asyncio.sleep(0.5)  # until the balancer has seen it
        done.set()

    async with balancer.looking():
        load = many(
            webs[0].url, requests=endless, at_once=AT_ONCE, transport=balancer, simulate=SLOWLY
        )
        outcome, _ = await asyncio.gather(load, restarts())
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_a_rolling_restart_loses_no_request_and_no_row(
    deployment: Deployment, simulated: SimulatedProvider, workers: str
) -> None:
    """Holds DRAIN_S, the closing of answered connections, and the streams' time to end."""
    settings = {**deployment.environment, "DRAIN_S": "1", "WEB_CONCURRENCY": workers}
    with ExitStack() as stack:
        webs = [stack.enter_context(ProcfileProcess(WEB, settings)) for _ in range(2)]
        for web in webs:
            web.wait_until_ready()
        outcome = asyncio.run(load_over_restarts(webs))
        assert outcome.failed == {}
        assert len(outcome.whole) > 200
        rows = rows_when(deployment, lambda rows: len(rows) >= len(outcome.whole))
    assert len(rows) == len(outcome.whole) == len(completions(simulated))
    assert_exact(rows, outcome)
    assert_sums_are_the_rows(deployment, rows)
