"""A quote is what a request costs at most: reserved, redeemed once, by any process."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import PATH
from tests.functions.limits.conftest import MODEL, Pair

BODY: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 60,
    "messages": [{"role": "user", "content": "Say a few words."}],
}


def quoted(pair: Pair, user: str = "free", which: int = 0, **body: Any) -> httpx.Response:
    url = pair[which].url + "/api/v1/llm/quote"
    return httpx.post(url, json={**BODY, **body}, headers=pair.users[user], timeout=20)


def redeemed(
    pair: Pair, quote_id: str, user: str = "free", path: str = PATH, **body: Any
) -> httpx.Response:
    headers = {**pair.users[user], "x-quote-id": quote_id}
    return httpx.post(pair.second.url + path, json={**BODY, **body}, headers=headers, timeout=20)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_costs_no_more_than_was_quoted_and_says_by_which_quote(
    pair: Pair, *, stream: bool
) -> None:
    quote = quoted(pair, stream=stream)
    assert quote.status_code == 200, quote.text
    said = quote.json()
    assert 0 < said["expected_cost_usd"] <= said["max_cost_usd"]
    assert said["candidates"][0]["model"] == MODEL
    answer = redeemed(pair, said["id"], stream=stream)
    assert answer.status_code == 200, answer.text
    assert f'"quote_id":"{said["id"]}"' in answer.text
    rows = pair.deployment.rows_when(lambda all_: any(r["quote_id"] == said["id"] for r in all_))
    row = next(one for one in rows if one["quote_id"] == said["id"])
    assert 0 < row["cost_total_usd"] <= Decimal(str(said["max_cost_usd"]))
    assert row["overrun_usd"] is None


def test_it_is_redeemed_once_by_the_same_user_and_with_the_same_body(pair: Pair) -> None:
    quote_id = quoted(pair).json()["id"]
    other = redeemed(pair, quote_id, max_tokens=61)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "quote_mismatch")
    thief = redeemed(pair, quote_id, "soft")
    assert (thief.status_code, thief.json()["error"]["code"]) == (409, "quote_expired")
    assert redeemed(pair, quote_id).status_code == 200
    again = redeemed(pair, quote_id)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "quote_used")
    assert again.json()["error"]["param"] == "x-quote-id"
    none = redeemed(pair, "0" * 32)
    assert (none.status_code, none.json()["error"]["code"]) == (409, "quote_expired")


def test_what_is_quoted_is_not_given_to_another_request(pair: Pair) -> None:
    quote = quoted(pair, "quoted", max_tokens=900)
    assert quote.status_code == 200, quote.text
    assert quote.json()["max_cost_usd"] > 0.004
    others = [pair.ask("quoted", which, max_tokens=900) for which in (0, 1)]
    assert [answer.status_code for answer in others] == [402, 402]
    assert quoted(pair, "quoted", 1, max_tokens=900).status_code == 402
    answer = redeemed(pair, quote.json()["id"], "quoted", max_tokens=900)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("endpoint", "path", "body"),
    [
        ("messages", "/v1/messages", {}),
        ("responses", "/v1/responses", {"messages": None, "max_tokens": None, "input": "Hello"}),
    ],
)
def test_other_doors_have_quotes_too(
    pair: Pair, endpoint: str, path: str, body: dict[str, Any]
) -> None:
    fields = {name: value for name, value in {**BODY, **body}.items() if value is not None}
    url = pair.first.url + "/api/v1/llm/quote"
    headers = pair.users["free"]
    quote = httpx.post(url, json={**fields, "endpoint": endpoint}, headers=headers, timeout=20)
    assert quote.status_code == 200, quote.text
    answer = httpx.post(
        pair.second.url + path,
        content=json.dumps(fields, indent=1),
        headers={**headers, "x-quote-id": quote.json()["id"]},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    assert quote.json()["id"] in answer.text


def test_a_quote_is_refused_as_the_request_would_be(pair: Pair) -> None:
    unknown = quoted(pair, endpoint="speech")
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "endpoint")
    unbounded = quoted(pair, web_search_options={})
    assert unbounded.json()["error"]["code"] == "unsupported_with_max_cost_usd"
    assert quoted(pair, "poor").status_code == 402
