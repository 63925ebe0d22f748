"""A platform kills 30 s after SIGTERM, or sooner: what was answered is billed all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil
import pytest

from shared.embedded import EmbeddedValkey
from tests.fakes.gateway import Deployment
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome, many
from tests.faults.exactness import assert_exact, assert_sums_are_the_rows, rows_when
from tests.faults.procfile import WEB
from tests.faults.stops import NEVER, STREAMS, streams_over_a_stop

pytestmark = pytest.mark.long

# As the process has it where nobody sets it; the tests' own is 0.
DRAIN_S = {"DRAIN_S": "2"}
KILLED_AFTER_S = 30


@pytest.mark.parametrize("hangs", [False, True], ids=["redis answers", "redis hangs"])
def test_a_process_with_streams_for_another_minute_is_gone_before_it_is_killed(
    deployment: Deployment,
    simulated: SimulatedProvider,
    own_valkey: Callable[..., EmbeddedValkey],
    record_testsuite_property: Callable[[str, object], None],
    hangs: bool,
) -> None:
    valkey = own_valkey()
    settings = {**deployment.environment, **DRAIN_S, "REDIS_URL": valkey.url}
    redis = psutil.Process(valkey.process.pid)

    async def stop(web: ProcfileProcess) -> tuple[Outcome, float]:
        stopping = asyncio.create_task(streams_over_a_stop(web, simulated, {NEVER: STREAMS}))
        if hangs:
            await asyncio.sleep(5)
            redis.suspend()
        return await stopping

    with ProcfileProcess(WEB, settings) as web:
        web.wait_until_ready()
        try:
            outcome, took_s = asyncio.run(stop(web))
        finally:
            redis.resume()
    record_testsuite_property("seconds from SIGTERM to the end", round(took_s, 1))
    print(f"from SIGTERM to the end: {took_s:.1f} s")
    assert 20 < took_s < KILLED_AFTER_S
    assert sum(outcome.failed.values()) == STREAMS
    deployment.environment["REDIS_URL"] = valkey.url
    if hangs:  # then it is on the disk, for the next start
        with ProcfileProcess(WEB, settings):
            rows = rows_when(deployment, lambda rows: len(rows) >= STREAMS)
    else:
        rows = rows_when(deployment, lambda rows: len(rows) >= STREAMS)
    assert_exact(rows, outcome)
    assert {row["state"] for row in rows} == {"final"}
    assert all(row["completion_tokens"] and row["cost_total_usd"] > 0 for row in rows)
    assert_sums_are_the_rows(deployment, rows)


def test_killed_in_the_drain_again_and_again_it_loses_nothing_that_it_answered(
    deployment: Deployment, simulated: SimulatedProvider
) -> None:
    """At once, while it takes requests, and once its socket is closed and streams go on."""
    settings = {**deployment.environment, "DRAIN_S": "0.5"}

    async def load_and_kill(web: ProcfileProcess) -> Outcome:
        load = asyncio.create_task(many(web.url, requests=1500, at_once=16))
        for killed_after_s in (0.0, 0.3, 0.55, 0.7):
            await asyncio.sleep(1.5)
            web.terminate()
            await asyncio.sleep(killed_after_s)
            await asyncio.to_thread(web.kill)
            web.start()
            await asyncio.to_thread(web.wait_until_ready)
        return await load

    with ProcfileProcess(WEB, settings) as web:
        web.wait_until_ready()
        outcome = asyncio.run(load_and_kill(web))
        assert outcome.failed, "the kills were meant to cut some"
        assert len(outcome.whole) > 100
        wanted = outcome.whole.keys()
        rows = rows_when(
            deployment, lambda rows: wanted <= {row["request_id"] for row in rows}, timeout_s=30
        )
    assert_exact(rows, outcome)
