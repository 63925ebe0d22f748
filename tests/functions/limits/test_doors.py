"""Limits hold at every door, and each refuses in its own words."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.functions.limits.conftest import Pair

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10}


def post(pair: Pair, user: str, path: str, body: dict[str, Any]) -> httpx.Response:
    """While a fresh Redis has heard of nobody, a budget is not known."""
    ends = time.monotonic() + 15.0
    while True:
        answer = httpx.post(
            pair.first.url + path, json=body, headers=pair.users[user], trust_env=False
        )
        if answer.status_code != 503 or time.monotonic() > ends:
            return answer
        time.sleep(0.2)


def embed(pair: Pair, user: str, words: int = 10) -> httpx.Response:
    body = {"model": "text-embedding-3-small", "input": "word " * words, "dimensions": 4}
    return post(pair, user, "/v1/embeddings", body)


def test_embeddings_use_the_tokens_of_their_texts_and_no_answers(pair: Pair) -> None:
    """Held for an answer of 1,024 tokens that never comes, not one of these would be served."""
    assert [embed(pair, "embeds", 50).status_code for _ in range(4)] == [200] * 4
    refused = embed(pair, "embeds", 500)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (429, "rate_limit_exceeded")


def test_a_budget_that_cannot_pay_for_embeddings_refuses_them(pair: Pair) -> None:
    refused = embed(pair, "poor", 5000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "budget_exceeded")
    assert refused.headers["x-should-retry"] == "false"


def test_a_limit_refuses_messages_in_anthropics_shape(pair: Pair) -> None:
    for user, status, kind in (
        ("nothing", 429, "rate_limit_error"),
        ("poor", 402, "billing_error"),
    ):
        refused = post(pair, user, "/v1/messages", {"power_level": "balanced", **HELLO})
        said = refused.json()
        assert (refused.status_code, said["type"], said["error"]["type"]) == (status, "error", kind)
        assert said["error"]["param"] == "user"
        assert said["request_id"] == refused.headers["request-id"]


def test_tokens_are_counted_for_who_has_none_left(pair: Pair) -> None:
    """That costs nothing, and tells a client how much it would need."""
    counted = post(pair, "nothing", "/v1/messages/count_tokens", HELLO)
    assert counted.status_code == 200, counted.text
    assert counted.json()["input_tokens"] > 0
