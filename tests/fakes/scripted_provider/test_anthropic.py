"""Faults and limits on Anthropic's wire (platform.claude.com/docs/en/api/errors)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.simulated import SimulatedProvider

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    418: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def body(text: Any = "hello there", **fields: Any) -> dict[str, Any]:
    asked = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return asked | fields


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The stream's events; the name of each must be the type in its data."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    *frames, end = answer.text.split("\n\n")
    assert end == ""
    made: list[dict[str, Any]] = []
    for frame in frames:
        name, data = frame.split("\n")
        made.append(msgspec.json.decode(data.removeprefix("data: ")))
        assert name == f"event: {made[-1]['type']}"
    return made


def assert_error(answer: httpx.Response, kind: str) -> None:
    said = answer.json()
    assert set(said) == {"type", "error", "request_id"}
    assert (said["type"], set(said["error"])) == ("error", {"type", "message"})
    assert said["error"]["type"] == kind
    assert said["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("stream", [False, True])
def test_every_answer_has_an_id_and_four_limits(anthropic: httpx.Client, stream: bool) -> None:
    headers = anthropic.post("/messages", json=body(stream=stream)).headers
    assert headers["request-id"]
    assert "x-ratelimit-limit-requests" not in headers
    for limit in ("requests", "tokens", "input-tokens", "output-tokens"):
        named = f"anthropic-ratelimit-{limit}"
        assert 0 < int(headers[f"{named}-remaining"]) <= int(headers[f"{named}-limit"])
        reset = datetime.fromisoformat(headers[f"{named}-reset"])
        assert abs((reset - datetime.now(UTC)).total_seconds()) < 60


def test_of_a_spent_limit_nothing_remains(anthropic: httpx.Client) -> None:
    answer = anthropic.post("/messages", json=body(model="simulate-status-429"))
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_stream_is_cut_after_as_many_events(
    anthropic: httpx.Client, provider: SimulatedProvider, count: int
) -> None:
    asked = body(model=f"simulate-cut-{count}", stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        anthropic.post("/messages", json=asked)
    (call,) = provider.calls()
    assert (call["events_sent"], call["finished"], call["aborted"]) == (count, False, False)


def test_as_many_deltas_come_as_asked_for(anthropic: httpx.Client) -> None:
    answer = anthropic.post(
        "/messages", json=body(simulate="events-50", stream=True, max_tokens=999)
    )
    assert answer.text.count("event: content_block_delta") == 50


def test_an_error_after_some_events_is_an_event_of_its_own_and_the_last(
    anthropic: httpx.Client,
) -> None:
    answer = anthropic.post("/messages", json=body(model="simulate-error-4", stream=True))
    *before, last = events(answer)
    assert len(before) == 4
    assert (answer.status_code, last["error"]["type"]) == (200, "overloaded_error")
    assert last["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("stream", [False, True])
def test_without_usage_none_is_reported(anthropic: httpx.Client, stream: bool) -> None:
    answer = anthropic.post("/messages", json=body(simulate="nousage", stream=stream))
    assert answer.status_code == 200
    assert "usage" not in answer.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "kind"), ERROR_TYPES.items())
def test_a_status_has_its_type(
    anthropic: httpx.Client, status: int, kind: str, stream: bool
) -> None:
    asked = body(model=f"simulate-status-{status}-retry-7", stream=stream)
    answer = anthropic.post("/messages", json=asked)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert_error(answer, kind)
