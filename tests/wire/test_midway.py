"""What goes wrong once words are out: an error event of its own code, no [DONE], and a bill."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.gateway import Deployment
from tests.fakes.told_provider import (
    DONE,
    USAGE,
    NewPair,
    as_events,
    chunk,
    event_bytes,
    events_of,
    message_events,
    named,
)

BEGUN = [chunk({"content": "half an "}), chunk({"content": "answer"})]
NOT_UTF8 = b'data: {"choices":[{"index":0,"delta":{"content":"\xff"},"finish_reason":null}]}\n\n'
ENDS: dict[str, tuple[list[object], str]] = {
    "an error": ([{"error": {"message": "busy", "code": 503}}], "provider_unavailable"),
    "a rate limit": ([{"error": {"message": "slow", "code": 429}}], "provider_rate_limited"),
    "an error in the choice": (
        [{"choices": [{"index": 0, "error": {"code": 502}, "finish_reason": "error"}]}],
        "provider_unavailable",
    ),
    "code and message": ([{"code": "x", "message": "down"}], "provider_unavailable"),
    "a text under the name error": (
        [b"event: error\ndata: overloaded\n\n", DONE],
        "provider_unavailable",
    ),
    "code and msg": ([{"code": 1211, "msg": "down"}, DONE], "provider_unavailable"),
    "base_resp": (
        [{"choices": [], "base_resp": {"status_code": 1013}}, DONE],
        "provider_unavailable",
    ),
    "MiniMax's rate limit": (
        [{"choices": [], "base_resp": {"status_code": 1002, "status_msg": "slow"}}, DONE],
        "provider_rate_limited",
    ),
    "response.failed": (
        [
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "rate_limit_exceeded"}},
            },
            DONE,
        ],
        "provider_rate_limited",
    ),
    "an event of the name response.failed": (
        [b'event: response.failed\ndata: {"response":{"error":{"code":"server_error"}}}\n\n', DONE],
        "provider_unavailable",
    ),
    "DeepSeek's reason": (
        [chunk({}, "insufficient_system_resource"), DONE],
        "provider_unavailable",
    ),
    "Zhipu's reason": ([chunk({}, "network_error"), DONE], "provider_unavailable"),
    "an error and [DONE]": ([{"error": {"code": "slow_down"}}, DONE], "provider_rate_limited"),
    "not UTF-8": ([NOT_UTF8, DONE], "provider_unavailable"),
    "nothing more": ([], "stream_cut"),
    "half an event": ([b'data: {"choices":[{"ind'], "stream_cut"),
}  # fmt: skip


def row_of(told: Deployment, answer: Any) -> dict[str, Any]:
    request_id = answer.headers["x-request-id"]
    rows = told.rows_when(lambda rows: any(row["request_id"] == request_id for row in rows))
    (row,) = [row for row in rows if row["request_id"] == request_id]
    return row


def check(told: Deployment, answer: Any, code: str) -> None:
    events = events_of(answer)
    assert events[-1]["error"]["code"] == code
    assert "[DONE]" not in answer.text
    row = row_of(told, answer)
    assert row["error_message"] == code
    assert row["cost_quality"] == "estimated"
    assert row["cost_total_usd"] > 0
    assert row["completion_tokens"] > 0


@pytest.mark.parametrize("case", ENDS)
def test_a_stream_that_ends_badly_says_how_and_is_billed_for_what_came(
    new_pair: NewPair, told: Deployment, case: str
) -> None:
    end, code = ENDS[case]
    pair = new_pair("openai")
    pair.first.says(as_events(*BEGUN))
    pair.first.later = event_bytes(*end)
    check(told, pair.ask(stream=True), code)
    assert (pair.first.calls, pair.second.calls) == (1, 0)


@pytest.mark.parametrize("end", [named(type="error", error={"type": "overloaded_error"}), NOT_UTF8])
def test_a_message_that_ends_badly_says_so_too(
    new_pair: NewPair, told: Deployment, end: bytes
) -> None:
    pair = new_pair("anthropic")
    pair.first.says(as_events(*message_events("half an answer")[:3]))
    pair.first.later = end
    check(told, pair.ask(stream=True), "provider_unavailable")


def test_what_an_error_says_of_usage_is_billed(new_pair: NewPair, told: Deployment) -> None:
    """DeepSeek's last chunk bears it whatever the reason."""
    pair = new_pair("openai")
    pair.first.says(as_events(*BEGUN))
    pair.first.later = event_bytes(chunk({}, "insufficient_system_resource", usage=USAGE), DONE)
    answer = pair.ask(stream=True)
    assert events_of(answer)[-1]["error"]["code"] == "provider_unavailable"
    row = row_of(told, answer)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (100, 20)
    assert row["cost_quality"] == "measured"
