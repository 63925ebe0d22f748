"""Streams: relayed as they come, `_metadata` on the last event, billed however they end."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import PATH, USER, Deployment, ask, row_of
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer


def events(text: str) -> list[Any]:
    """The data of each event; the last is the text [DONE]."""
    data = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def test_metadata_rides_on_the_finish_and_usage_is_hidden_unless_asked_for(
    gateway: UvicornServer,
) -> None:
    answer = ask(gateway.url, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events(answer.text)
    assert done == "[DONE]"
    assert [chunk for chunk in chunks if chunk.get("usage")] == []
    assert all(chunk["choices"] for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert [chunk for chunk in chunks[:-1] if "_metadata" in chunk] == []
    metadata = chunks[-1]["_metadata"]
    assert metadata["request_id"] == answer.headers["x-request-id"]
    assert metadata["cost_incurred"] > 0
    assert metadata["ttft_ms"] is not None


def test_asked_for_usage_comes_last_and_carries_the_metadata(gateway: UvicornServer) -> None:
    answer = ask(gateway.url, stream=True, stream_options={"include_usage": True})
    *chunks, done = events(answer.text)
    assert done == "[DONE]"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert chunks[-1]["_metadata"]["cost_quality"] == "measured"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert "_metadata" not in chunks[-2]


def test_events_are_relayed_as_they_come(gateway: UvicornServer) -> None:
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "simulate": "drip-100+events-8",
    }
    with httpx.stream(
        "POST", gateway.url + PATH, json=body, headers=USER, trust_env=False
    ) as answer:
        arrivals = [time.monotonic() for _ in answer.iter_raw()]
    assert len(arrivals) >= 8
    assert arrivals[-1] - arrivals[0] > 0.5, "the first must not wait for the last"


def test_a_stream_cut_by_the_provider_ends_with_an_error_and_is_billed_for_what_came(
    gateway: UvicornServer, deployment: Deployment
) -> None:
    answer = ask(gateway.url, stream=True, simulate="events-20+cut-8")
    assert answer.status_code == 200
    *chunks, last = events(answer.text)
    assert last["error"]["code"] == "stream_cut"
    assert "[DONE]" not in answer.text
    assert len(chunks) == 8
    row = row_of(deployment, answer.headers["x-request-id"])
    assert row["error_message"] == "stream_cut"
    assert row["status_code"] == 502
    assert row["cost_quality"] == "estimated"
    assert row["completion_tokens"] > 0


def test_a_stream_that_fails_before_its_first_event_falls_over(
    gateway: UvicornServer, simulated: SimulatedProvider
) -> None:
    simulated.clear()
    answer = ask(gateway.url, stream=True, simulate="status-503")
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["code"] == "all_candidates_failed"
    assert len(error["attempts"]) == len(simulated.calls()) > 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_without_usage_is_estimated_and_says_so(
    gateway: UvicornServer, stream: bool
) -> None:
    answer = ask(gateway.url, stream=stream, simulate="nousage")
    metadata = (events(answer.text)[-2] if stream else answer.json())["_metadata"]
    assert metadata["cost_quality"] == "estimated"
    assert metadata["cost_incurred"] > 0


def test_a_json_answer_that_is_cut_costs_an_unknown_amount(
    gateway: UvicornServer, deployment: Deployment
) -> None:
    answer = ask(gateway.url, simulate="cut-1")
    assert answer.status_code == 502
    row = row_of(deployment, answer.headers["x-request-id"])
    assert row["cost_total_usd"] is None
    assert row["cost_quality"] == "unpriced"
    assert all(attempt["error"] for attempt in row["attempts"])
