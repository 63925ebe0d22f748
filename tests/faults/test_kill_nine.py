"""kill -9 of the worker and of the gateway: nothing is lost, nothing is billed twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.embedded import EmbeddedValkey
from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome, many

REQUESTS = 1000
AT_ONCE = 32


@pytest.fixture
def simulated() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture
def deployment(
    migrated_database_url: str,
    redis_url: str,
    shared_valkey: EmbeddedValkey,
    tmp_path: Path,
    simulated: SimulatedProvider,
) -> Deployment:
    return Deployment(
        database_url=migrated_database_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        simulated_url=simulated.url,
    )


def assert_exact(rows: list[dict[str, Any]], outcome: Outcome) -> None:
    """Each whole answer has one row with its tokens and USD; any other row is of a cut request."""
    by_id = {row["request_id"]: row for row in rows}
    assert len(by_id) == len(rows), "a request has two rows"
    lost = outcome.whole.keys() - by_id.keys()
    assert not lost, f"{len(lost)} answered requests have no row"
    for told in outcome.whole.values():
        row = by_id[told.request_id]
        assert row["state"] == "final"
        assert row["total_tokens"] == told.total_tokens
        assert row["cost_total_usd"] == told.cost_usd
    others = [row for row in rows if row["request_id"] not in outcome.whole]
    assert len(others) <= sum(outcome.failed.values())
    for row in others:
        is_marked = row["state"] == "indeterminate" or row["error_message"] is not None
        # Or the kill fell between the FINAL and the last byte: billed, and not received.
        assert is_marked or row["state"] == "final"
        if row["state"] == "indeterminate":
            assert row["cost_total_usd"] is None


def daily(database_url: str) -> tuple[Any, ...]:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT sum(requests), sum(total_tokens), sum(cost_total_usd) FROM usage_daily"
        ).fetchone()
    assert row is not None
    return row


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

    with deployment.worker() as worker, deployment.web() as web:
        outcome = asyncio.run(load_and_kill(worker, web))
        assert len(outcome.whole) > REQUESTS / 2
        assert outcome.failed, "the kill was meant to cut some"

        def has_settled(rows: list[dict[str, Any]]) -> bool:
            return outcome.whole.keys() <= {row["request_id"] for row in rows}

        deployment.rows_when(has_settled, timeout_s=60)
        # What the killed gateway left is adopted within 5 s.
        time.sleep(8)
        rows = deployment.rows()
    assert_exact(rows, outcome)
    finals = [row for row in rows if row["state"] == "final"]
    _, tokens, cost = daily(deployment.database_url)
    assert tokens == sum(row["total_tokens"] or 0 for row in finals)
    assert cost == sum(row["cost_total_usd"] or 0 for row in finals)
