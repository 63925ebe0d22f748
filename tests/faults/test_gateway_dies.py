"""R6, R7, R18 and R20 of RELIABILITY.md: however a request ends, what it used is in the ledger.

Each must fail without what it holds (tests/fakes/defences.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from shared.completion.client import MOST_DRAINS
from shared.wire.tokens.text import count_text
from tests.fakes.death import wait_for_death
from tests.fakes.gateway import PATH, USER, Deployment, ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer
from tests.faults.clients import Outcome, many
from tests.faults.exactness import assert_exact, assert_sums_are_the_rows, completions, rows_when

# Of tests/fakes/failing_gateway.py.
POINTS = (
    *("before_intent", "after_intent", "after_upstream"),
    *("before_final", "after_final", "after_ship"),
)


def long(*values: Any, called: str = "long") -> Any:
    return pytest.param(*values, None, id=called, marks=pytest.mark.long)


def short(*values: Any) -> Any:
    return pytest.param(*values, None, id="short")


def failing(*values: Any, without: str) -> Any:
    noticed = (AssertionError, httpx.RemoteProtocolError)
    marks = [pytest.mark.long, pytest.mark.xfail(strict=True, raises=noticed)]
    return pytest.param(*values, without, id=f"without {without}", marks=marks)


def start_again_once_dead(web: UvicornServer, death: Path) -> None:
    wait_for_death(death)
    web.kill()
    web.start()


async def load_over_a_death(web: UvicornServer, death: Path) -> Outcome:
    outcome, _ = await asyncio.gather(
        many(web.url, requests=10, at_once=5), asyncio.to_thread(start_again_once_dead, web, death)
    )
    return outcome


@pytest.mark.parametrize(
    ("points", "without"),
    [
        short(POINTS),
        *(long((point,) * 50, called=f"long, {point}") for point in POINTS),
        failing(("after_upstream",), without="the INTENT"),
        failing(("before_final",), without="the FINAL before the last byte"),
    ],
)
def test_r6_a_gateway_killed_anywhere_leaves_each_call_final_or_indeterminate(
    deployment: Deployment,
    simulated: SimulatedProvider,
    tmp_path: Path,
    points: tuple[str, ...],
    without: str | None,
) -> None:
    """What clients were told that they cost is what the ledger sums, whenever it dies."""
    death = tmp_path / "death"
    whole, failed = {}, Counter[str]()
    with deployment.failing_web(without, TEST_DEATH=str(death)) as web:
        for point in points:
            death.write_text(point)
            outcome = asyncio.run(load_over_a_death(web, death))
            whole |= outcome.whole
            failed.update(outcome.failed)
        calls = len(completions(simulated))
        # Not by their number alone: one killed before its call has a row, and no call.
        rows = rows_when(
            deployment,
            lambda rows: len(rows) >= calls and whole.keys() <= {r["request_id"] for r in rows},
            60 + len(points),
        )
    assert len(rows) >= calls, "a provider was called and nobody knows"
    assert_exact(rows, Outcome(whole, dict(failed)))
    assert_sums_are_the_rows(deployment, rows)
    assert failed, "the deaths were meant to cut some"


def text_of(event: str) -> str:
    """The content of one event; none of a comment and of [DONE]."""
    if not event.startswith("data: {"):
        return ""
    (choice,) = json.loads(event.removeprefix("data: "))["choices"] or [{"delta": {}}]
    return choice["delta"].get("content") or ""


async def hang_up_after(
    client: httpx.AsyncClient, url: str, events: int, simulate: str
) -> tuple[str, str]:
    """The request's id and the text that was delivered until the client left."""
    body = {
        "messages": [{"role": "user", "content": "Tell me a long story"}],
        "stream": True,
        "simulate": simulate,
    }
    text, received = "", 0
    async with client.stream("POST", url + PATH, json=body, headers=USER) as answer:
        request_id = answer.headers["x-request-id"]
        async for line in answer.aiter_lines():
            text += text_of(line)
            received += line.startswith("data: ")
            if received >= events:
                break
    return request_id, text


async def hang_ups(url: str, number: int) -> dict[str, str]:
    """Texts by request id, of streams that were left after 1 to 20 events: half of them end soon,
    half would go on for a minute.
    """
    lengths = ("drip-20+events-100", "drip-100+events-600")
    gate = asyncio.Semaphore(20)
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def one(nth: int) -> tuple[str, str]:
            async with gate:
                return await hang_up_after(client, url, 1 + nth % 20, lengths[nth % 2])

        return dict(await asyncio.gather(*map(one, range(number))))


def upstream_connections(web: UvicornServer, simulated: SimulatedProvider) -> int:
    connections = psutil.Process(web.pid).net_connections("tcp")
    return sum(1 for one in connections if one.raddr and one.raddr.port == simulated.port)


@pytest.mark.parametrize(
    ("number", "without"),
    [short(40), long(200), failing(10, without="watching for a hang-up")],
)
def test_r7_who_hangs_up_is_billed_what_was_counted_or_came_and_the_provider_is_left(
    deployment: Deployment, simulated: SimulatedProvider, number: int, without: str | None
) -> None:
    with deployment.failing_web(without) as web:
        delivered = asyncio.run(hang_ups(web.url, number))
        rows = rows_when(deployment, lambda rows: len(rows) >= number, timeout_s=40)
        calls = completions(simulated)
        left_open = upstream_connections(web, simulated)
    by_id = {row["request_id"]: row for row in rows}
    assert len(rows) == number
    assert by_id.keys() == delivered.keys()
    for request_id, text in delivered.items():
        row = by_id[request_id]
        assert (row["state"], row["error_message"]) == ("final", "client_disconnected")
        assert row["completion_tokens"] >= count_text(text)
        assert row["cost_total_usd"] > 0
    assert len(calls) == number
    assert all(call["ended_at"] for call in calls), "a provider was left talking to nobody"
    read_on = sum(not call["aborted"] for call in calls)
    assert read_on >= min(number // 2, MOST_DRAINS // 2)
    assert sum(row["cost_quality"] == "measured" for row in rows) == read_on
    assert left_open == 0
    assert_sums_are_the_rows(deployment, rows)


def wait_for_calls(simulated: SimulatedProvider, number: int) -> None:
    ends = time.monotonic() + 30
    while len(completions(simulated)) < number and time.monotonic() < ends:
        time.sleep(0.1)


async def streams_over_a_stop(
    web: UvicornServer, simulated: SimulatedProvider, number: int
) -> tuple[Outcome, float]:
    """Half of the streams end soon after the stop comes, half would go on; and its seconds."""
    loads = [
        asyncio.create_task(
            many(web.url, requests=number // 2, at_once=number // 2, stream=True, simulate=each)
        )
        for each in ("drip-20+events-60", "drip-100+events-600")
    ]
    await asyncio.to_thread(wait_for_calls, simulated, number)
    await asyncio.sleep(0.5)  # until each has had some content
    began = time.monotonic()
    await asyncio.to_thread(web.stop)
    took_s = time.monotonic() - began
    soon, later = await asyncio.gather(*loads)
    failed = dict(Counter(soon.failed) + Counter(later.failed))
    return Outcome(soon.whole | later.whole, failed), took_s


@pytest.mark.parametrize(
    ("number", "without"),
    [
        short(50),
        long(200),
        failing(20, without="settling the cancelled"),
        failing(20, without="the last ship"),
    ],
)
def test_r18_a_stop_amid_open_streams_loses_no_usage(
    deployment: Deployment, simulated: SimulatedProvider, number: int, without: str | None
) -> None:
    with deployment.failing_web(without) as web:
        outcome, took_s = asyncio.run(streams_over_a_stop(web, simulated, number))
    rows = rows_when(deployment, lambda rows: len(rows) >= number, timeout_s=5)
    assert took_s < 10, "it had to be killed"
    assert outcome.failed, "the stop was meant to cut some"
    assert len(rows) == len(completions(simulated)) == number
    assert_exact(rows, outcome)
    for row in rows:
        assert row["state"] == "final"
        assert row["completion_tokens"], "what was delivered is not known"
        assert row["cost_total_usd"]
    assert_sums_are_the_rows(deployment, rows)


def asked_at_once(url: str, number: int) -> list[httpx.Response]:
    with httpx.Client(trust_env=False, headers=USER) as client, ThreadPoolExecutor(8) as pool:

        def one(nth: int) -> httpx.Response:
            message = {"role": "user", "content": f"Question {nth}"}
            return client.post(url + PATH, json={"messages": [message], "stream": nth % 2 == 1})

        return list(pool.map(one, range(number)))


def asked_until_refused(url: str) -> list[httpx.Response]:
    """One by one: while some are under way, the room of those that end lets others in."""
    answers = [ask(url)]
    while answers[-1].status_code == 200 and len(answers) < 100:
        answers.append(ask(url))
    return answers


@pytest.mark.parametrize(
    ("rounds", "without"), [short(1), long(10), failing(1, without="reserved room")]
)
def test_r20_a_full_disk_refuses_what_it_could_not_bill_and_bills_what_it_let_in(
    deployment: Deployment,
    simulated: SimulatedProvider,
    tmp_path: Path,
    rounds: int,
    without: str | None,
) -> None:
    full = tmp_path / "full"
    answered: set[str] = set()
    with deployment.failing_web(without, TEST_FULL_DISK=str(full)) as web:
        for _ in range(rounds):
            full.touch()
            answers = asked_at_once(web.url, 200) + asked_until_refused(web.url)
            assert {answer.status_code for answer in answers} == {200, 503}
            for answer in answers:
                if answer.status_code == 200:
                    answered.add(answer.headers["x-request-id"])
                else:
                    assert answer.json()["error"]["code"] == "usage_spool_full"
                    assert "retry-after" in answer.headers
            assert answers[-1].elapsed.total_seconds() < 1
            assert httpx.get(web.url + "/readyz", trust_env=False).status_code == 503
            full.unlink()
            again = ask(web.url)
            assert again.status_code == 200
            answered.add(again.headers["x-request-id"])
            assert httpx.get(web.url + "/readyz", trust_env=False).status_code == 200
        rows = rows_when(deployment, lambda rows: len(rows) >= len(answered))
    assert {row["request_id"] for row in rows} == answered
    assert len(completions(simulated)) == len(answered), "a refused request was sent on"
    assert all(row["state"] == "final" and row["cost_total_usd"] > 0 for row in rows)
    assert_sums_are_the_rows(deployment, rows)
