"""kill -9 of the worker and of the gateway: nothing is lost, nothing is billed twice."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome, many
from tests.faults.exactness import assert_exact, daily

REQUESTS = 1000
AT_ONCE = 32


@pytest.mark.slow
def test_1000_completions_while_the_worker_and_the_gateway_are_killed(
    deployment: Deployment, simulated: SimulatedProvider
) -> None:
    async def load_and_kill(worker: Any, web: Any) -> Outcome:
        load = asyncio.create_task(many(web.url, requests=REQUESTS, at_once=AT_ONCE))
        await asyncio.sleep(1.0)
        await asyncio.to_thread(worker.kill)
        await asyncio.to_thread(worker.start)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(web.kill)
        await asyncio.to_thread(web.start)
        return await load

    # The clock calls the writer once it may take over what the killed one was given: 30 s later.
    with deployment.clock(), deployment.worker() as worker, deployment.web() as web:
        outcome = asyncio.run(load_and_kill(worker, web))
        assert len(outcome.whole) > REQUESTS / 2
        assert outcome.failed, "the kill was meant to cut some"

        def has_settled(rows: list[dict[str, Any]]) -> bool:
            return outcome.whole.keys() <= {row["request_id"] for row in rows}

        deployment.rows_when(has_settled, timeout_s=90)
        # What the killed gateway left is adopted within 5 s.
        time.sleep(8)
        rows = deployment.rows()
    assert_exact(rows, outcome)
    finals = [row for row in rows if row["state"] == "final"]
    _, tokens, cost = daily(deployment.database_url)
    assert tokens == sum(row["total_tokens"] or 0 for row in finals)
    assert cost == sum(row["cost_total_usd"] or 0 for row in finals)
