"""What callers with limits are answered, by two processes at once.

Each test names the fault of a peer that it would show.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx

from tests.fakes.gateway import PATH
from tests.functions.limits.conftest import MODEL, Pair


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_of_five_a_minute_five_are_served_whichever_process_is_asked(pair: Pair) -> None:
    """Bifrost counts per replica (issue 3547)."""
    answers = [pair.ask("five", number % 2) for number in range(7)]
    assert statuses(answers) == {200: 5, 429: 2}
    refused = answers[-1]
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("rate_limit_exceeded", "user")
    assert error["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert "x-should-retry" not in refused.headers


def test_an_open_stream_holds_its_place_and_gives_it_back_at_its_end(pair: Pair) -> None:
    """LiteLLM's slots leak until all is refused (issues 20256, 27955)."""
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    headers = pair.users["one-open"]
    for _ in range(3):
        with httpx.Client(base_url=pair.first.url, trust_env=False, timeout=20) as client:
            slow = {**body, "simulate": "events-10+drip-100"}
            with client.stream("POST", PATH, json=slow, headers=headers) as stream:
                assert stream.status_code == 200
                next(stream.iter_bytes())
                second = pair.ask("one-open", 1)
                assert (second.status_code, second.json()["error"]["param"]) == (429, "user")
            # The client has hung up in the middle.
        served = _served_at_last(pair, "one-open", 1)
        assert served.status_code == 200


def _served_at_last(pair: Pair, user: str, which: int) -> httpx.Response:
    """What a client has left is read on for a while."""
    ends = time.monotonic() + 20.0
    while True:
        answer = pair.ask(user, which)
        if answer.status_code == 200 or time.monotonic() > ends:
            return answer
        time.sleep(0.1)


def test_a_budget_holds_against_sixty_requests_at_once_over_two_processes(pair: Pair) -> None:
    """LiteLLM checks first and counts later (issues 34732, 40095, 26672: 99 USD spent of 30)."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda number: pair.ask("rich", number % 2, max_tokens=100), range(60))
        )
    counts = statuses(answers)
    assert set(counts) == {200, 402}
    refused = next(answer for answer in answers if answer.status_code == 402)
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("budget_exceeded", "user")
    assert error["type"] == "insufficient_quota"
    assert refused.headers["x-should-retry"] == "false"
    rows = pair.rows("rich", counts[200])
    assert len(rows) == counts[200]
    assert 0 < sum(row["cost_total_usd"] for row in rows) <= Decimal("0.004")


def test_what_streams_cost_is_counted(pair: Pair) -> None:
    """LiteLLM: 1,012 of 1,283 streams had cost 0, and no budget ever fired (issue 37923)."""
    answers = [pair.ask("streams", number % 2, stream=True, max_tokens=150) for number in range(60)]
    counts = statuses(answers)
    assert set(counts) == {200, 402}
    spent = sum(row["cost_total_usd"] for row in pair.rows("streams", counts[200]))
    assert Decimal("0.002") < spent <= Decimal("0.004")


def test_a_request_that_may_cost_more_than_is_left_is_refused_before_it_is_sent(
    pair: Pair,
) -> None:
    answer = pair.ask("poor")
    assert answer.status_code == 402
    assert "0.000000001 USD a day" in answer.json()["error"]["message"]


def test_a_soft_limit_refuses_nothing(pair: Pair) -> None:
    assert statuses([pair.ask("soft") for _ in range(4)]) == {200: 4}


def test_a_request_that_is_refused_uses_nothing_of_its_other_limits(pair: Pair) -> None:
    """LiteLLM's rejected calls eat the rate (issue 39309): its 429 then stands where 402 should.

    Here both may be served once money holds no more: of two a minute, two are left.
    """
    assert statuses([pair.ask("refused", n % 2, max_tokens=4000) for n in range(6)]) == {402: 6}
    assert statuses([pair.ask("refused", n % 2, max_tokens=1) for n in range(3)]) == {
        200: 2,
        429: 1,
    }


def test_attempts_that_fail_hold_neither_money_nor_a_place(pair: Pair) -> None:
    """LiteLLM's reservations leak where a provider fails (issue 27639: phantom 429s)."""
    failed = [pair.ask("failing", n % 2, simulate="status-400", max_tokens=500) for n in range(12)]
    assert statuses(failed) == {400: 12}
    assert pair.ask("failing").status_code == 200


def test_tokens_a_minute_count_the_prompt_and_the_answer(pair: Pair) -> None:
    first = pair.ask("tokens", max_tokens=300)
    assert first.status_code == 200
    refused = pair.ask("tokens", 1, max_tokens=395)
    assert (refused.status_code, refused.json()["error"]["param"]) == (429, "user")


def test_a_limit_of_nothing_serves_nothing(pair: Pair) -> None:
    assert pair.ask("nothing").status_code == 429


def test_who_has_no_limit_is_served(pair: Pair) -> None:
    assert statuses([pair.ask("free", n % 2) for n in range(8)]) == {200: 8}
