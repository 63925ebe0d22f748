"""What must hold of the ledger after any fault, whatever clients were told."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import redis

from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections
from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.faults.clients import Outcome


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


def assert_sums_are_the_rows(deployment: Deployment, rows: list[dict[str, Any]]) -> None:
    requests, tokens, cost = daily(deployment.database_url)
    assert requests == len(rows)
    assert tokens == sum(row["total_tokens"] or 0 for row in rows)
    assert cost == sum((row["cost_total_usd"] or 0 for row in rows), Decimal(0))


def completions(simulated: SimulatedProvider) -> list[dict[str, Any]]:
    """The provider's own log of what it was asked for, and would bill."""
    return [
        call for call in simulated.calls() if call["path"].endswith(("completions", "messages"))
    ]


def drain_all(database_url: str, redis_url: str) -> None:
    """Write what waits in the stream, also what another writer was given and did not settle."""
    connections = ThreadConnections(database_url)
    with redis.Redis.from_url(redis_url) as client:
        drain(client, connections.get, "last", stale_after_ms=0)
    connections.close()


def rows_when(
    deployment: Deployment,
    enough: Callable[[list[dict[str, Any]]], bool],
    timeout_s: float = 20.0,
) -> list[dict[str, Any]]:
    """The rows as soon as they are `enough`, or as they are after the time; drained from here.

    Not by a worker: a gateway that dies between its flag and its nudge keeps every other from
    nudging for 15 s, and there is no clock here to help.
    """
    ends = time.monotonic() + timeout_s
    while True:
        drain_all(deployment.database_url, deployment.environment["REDIS_URL"])
        rows = deployment.rows()
        if enough(rows) or time.monotonic() > ends:
            return rows
        time.sleep(0.2)
