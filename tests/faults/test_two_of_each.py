"""Two of each process over one PostgreSQL and one Valkey are one gateway.

Limits are not among what is shown: there are none yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from shared.jobs import CHECK_HEALTH
from tests.fakes.admin import Admin, eventually
from tests.fakes.gateway import USER, Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.procfile_process import ProcfileProcess
from tests.fakes.simulated import SimulatedProvider
from tests.faults.balancer import Balancer
from tests.faults.clients import many
from tests.faults.exactness import assert_exact, assert_sums_are_the_rows
from tests.faults.procfile import CLOCK, WEB, WORKER

WITHIN_S = 2.0
BUSY_S = 1.0
"""For a machine that is busy."""


class Pair(NamedTuple):
    deployment: Deployment
    here: ProcfileProcess
    there: ProcfileProcess
    workers: list[ProcfileProcess]


@pytest.fixture(scope="module")
def pair(new_place: NewPlace) -> Iterator[Pair]:
    with SimulatedProvider() as simulated, ExitStack() as stack:
        deployment = Deployment(
            **new_place("two")._asdict(),
            simulated_url=simulated.url,
            more={"LLM_HEALTH_CHECK_INTERVAL": "2"},
        )

        def two(command: str) -> list[ProcfileProcess]:
            both = [ProcfileProcess(command, deployment.environment) for _ in range(2)]
            return [stack.enter_context(one) for one in both]

        webs, workers = two(WEB), two(WORKER)
        for web in webs:
            web.wait_until_ready()
        clocks = two(CLOCK)
        yield Pair(deployment, *webs, workers)
        for one in [*clocks, *workers, *webs]:  # all at once, not one after another
            one.terminate()


def used(web: ProcfileProcess, **body: Any) -> dict[str, Any]:
    answer = ask(web.url, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()["_metadata"]


def within_2_s(holds: Any) -> bool:
    return eventually(holds, WITHIN_S + BUSY_S)


def test_completions_over_both_are_each_one_row_and_the_sums_are_right(pair: Pair) -> None:
    before = len(pair.deployment.rows())
    balancer = Balancer([pair.here.url, pair.there.url])
    load = many(pair.here.url, requests=60, at_once=6, transport=balancer)
    outcome = asyncio.run(load)
    assert outcome.failed == {}
    assert len(outcome.whole) == 60
    rows = pair.deployment.rows_when(lambda rows: len(rows) >= before + 60)
    assert_sums_are_the_rows(pair.deployment, rows)
    rows = [row for row in rows if row["request_id"] in outcome.whole]
    assert len(rows) == 60
    assert_exact(rows, outcome)


def test_a_model_that_is_switched_off_by_one_is_not_used_by_the_other(pair: Pair) -> None:
    admin = Admin(pair.here.url)
    model = used(pair.there)["model_used"]
    [found] = [one for one in admin("GET", "/models").json()["data"] if one["model_id"] == model]
    changed = admin("PATCH", f"/models/{found['id']}", is_active=False)
    assert changed.status_code == 200, changed.text
    assert within_2_s(lambda: used(pair.there)["model_used"] != model)
    assert admin("PATCH", f"/models/{found['id']}", is_active=True).status_code == 200
    assert within_2_s(lambda: used(pair.there)["model_used"] == model)


def test_a_rule_that_is_changed_by_one_is_in_force_in_the_other(pair: Pair) -> None:
    admin = Admin(pair.here.url)
    rules = admin("GET", "/routing-rules").json()["data"]
    [rule] = [one for one in rules if one["power_level"] == "balanced"]
    assert used(pair.there)["model_used"] == rule["model"].split("/", 1)[-1]
    [other] = [one for one in admin("GET", "/models").json()["data"] if one["provider"] == "google"]
    made = admin(
        "POST",
        "/routing-rules",
        model=f"google/{other['model_id']}",
        power_level="balanced",
        user_tier="professional",
        priority=rule["priority"] + 1000,
    )
    assert made.status_code in {200, 201}, made.text
    assert within_2_s(lambda: used(pair.there)["provider_used"] == "google")
    admin("DELETE", f"/routing-rules/{made.json()['id']}")
    assert within_2_s(lambda: used(pair.there)["provider_used"] != "google")


def test_a_key_that_is_stored_and_taken_away_at_one_is_so_at_the_other(pair: Pair) -> None:
    keys = f"{pair.here.url}/api/v1/llm/byok/keys"
    body = {"provider": "openai", "api_key": "sk-good-for-now-0123456789"}
    with httpx.Client(trust_env=False, headers=USER, timeout=20) as client:
        assert used(pair.there)["key_source"] == "platform"
        assert client.post(keys, json=body).status_code == 200
        assert within_2_s(lambda: used(pair.there)["key_source"] == "byok")
        assert client.delete(f"{keys}/openai").status_code == 200
        assert within_2_s(lambda: used(pair.there)["key_source"] == "platform")


def test_a_tick_of_two_clocks_is_run_once_by_one_of_two_workers(pair: Pair) -> None:
    """Holds the fence of a tick together with the run's name in the history: either is enough."""

    def made() -> int:
        return sum(one.output().count("Health check complete: 7/7") for one in pair.workers)

    def ticks() -> int:
        with psycopg.connect(pair.deployment.database_url) as connection:
            row = connection.execute(
                "SELECT count(DISTINCT tick) FROM job_runs WHERE name = %s", [CHECK_HEALTH.name]
            ).fetchone()
        assert row is not None
        return row[0]

    assert eventually(lambda: made() >= 3, 15)
    # A check that is under way is a tick, and not made yet.
    assert eventually(lambda: made() == ticks(), 5)


def test_a_circuit_that_one_opens_is_open_at_the_other(pair: Pair) -> None:
    """The last of all: for 30 s nobody comes to that model any more."""
    model = used(pair.there)["model_used"]
    for _ in range(5):
        ask(pair.here.url, model=model, simulate="status-503")
    assert within_2_s(lambda: used(pair.there)["model_used"] != model)
    assert model not in [one["model"] for one in used(pair.there)["attempts"]], "it is not tried"
