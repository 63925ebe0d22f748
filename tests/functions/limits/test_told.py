"""What callers are told of limits before they reach one, and what is done where money is out."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import PATH
from tests.functions.limits.conftest import MODEL, Pair

HELLO = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


def post(pair: Pair, user: str, path: str = PATH, **body: Any) -> httpx.Response:
    return httpx.post(pair.first.url + path, json={**HELLO, **body}, headers=pair.users[user])


def test_each_answer_says_how_much_of_the_rates_is_left(pair: Pair) -> None:
    first = post(pair, "told")
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-requests"] == "6"
    assert first.headers["x-ratelimit-remaining-requests"] == "5"
    assert first.headers["x-ratelimit-reset-requests"] == "10s"
    assert first.headers["x-ratelimit-limit-tokens"] == "60000"
    assert 59_000 < int(first.headers["x-ratelimit-remaining-tokens"]) < 60_000
    streamed = post(pair, "told", stream=True)
    assert streamed.headers["x-ratelimit-remaining-requests"] == "4"
    message = post(pair, "told", "/v1/messages")
    assert message.headers["anthropic-ratelimit-requests-limit"] == "6"
    assert message.headers["anthropic-ratelimit-requests-remaining"] == "3"
    assert message.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert "x-ratelimit-limit-requests" not in message.headers
    refused = [post(pair, "told") for _ in range(4)][-1]
    assert refused.status_code == 429
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"


def test_who_has_no_limit_is_told_none(pair: Pair) -> None:
    assert not [name for name in post(pair, "free").headers if "ratelimit" in name]


def test_the_holder_sees_limits_and_what_is_used_of_them(pair: Pair) -> None:
    assert pair.ask("steps", max_tokens=50).status_code == 200
    ends = time.monotonic() + 10.0
    while True:
        answer = httpx.get(pair.first.url + "/api/v1/llm/limits", headers=pair.users["steps"])
        assert answer.status_code == 200, answer.text
        [budget] = answer.json()["data"]
        if budget["used"] > 0 or time.monotonic() > ends:
            break
        time.sleep(0.1)
    assert (budget["scope"], budget["subject"]) == ("user", "steps")
    assert (budget["kind"], budget["limit"]) == ("budget_day_usd", 0.01)
    assert 0 < budget["used"] < 0.01
    assert budget["resets_at"].endswith("Z")
    none = httpx.get(pair.first.url + "/api/v1/llm/limits", headers=pair.users["free"])
    assert none.json()["data"] == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_that_says_so_goes_on_at_a_cheaper_level(pair: Pair, *, stream: bool) -> None:
    answer = pair.ask("steps", max_tokens=20_000, stream=stream)
    assert answer.status_code == 200, answer.text
    assert '"stepped_down_from":"balanced"' in answer.text
    assert answer.headers["x-switchyard-power-level"] == "eco"


def test_a_tag_is_limited_whoever_uses_it(pair: Pair) -> None:
    def tagged(user: str) -> httpx.Response:
        headers = {**pair.users[user], "x-tags": "nightly,ci"}
        return httpx.post(pair.first.url + PATH, json=HELLO, headers=headers)

    answers = [tagged("free"), tagged("soft"), tagged("free")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["error"]["param"] == "tag"
    assert post(pair, "free").status_code == 200
