"""A limit is tried on the past: whom it is for, what flows off, and where days begin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.limits.book import Book
from shared.limits.limit import read_limit
from shared.replay.decide import Outcome
from shared.replay.limited import outcome_under
from shared.replay.past import Past
from tests.shared.replay.requests import NOON, past

ROW: dict[str, Any] = {
    "id": 1,
    "scope": "user",
    "subject": "ann",
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "concurrent_requests": None,
    "budget_day_usd": None,
    "budget_month_usd": None,
    "is_soft": False,
    "on_budget": "refuse",
    "counts_byok": False,
    "time_zone": "UTC",
}


def under(rows: list[Past], *others: dict[str, Any], **limit: Any) -> Outcome:
    limits = [read_limit({**ROW, **limit}), *(read_limit({**ROW, **one}) for one in others)]
    return outcome_under(rows, Book(limits), 1)


def every(seconds: float, count: int, **changes: Any) -> list[Past]:
    return [
        past(created_at=NOON + timedelta(seconds=seconds * place), **changes)
        for place in range(count)
    ]


@pytest.mark.parametrize(("seconds", "refused"), [(31, 0), (13, 5), (0, 8)])
def test_a_rate_refuses_what_comes_faster_than_it_flows_off(seconds: float, refused: int) -> None:
    done = under(every(seconds, 10), requests_per_minute=2)
    assert (done.seen, done.decided, done.refused) == (10, 10, refused)


def test_tokens_are_counted_as_they_were_used() -> None:
    assert under(every(0, 5), tokens_per_minute=3000).refused == 3


def test_a_budget_begins_again_at_midnight_of_its_zone() -> None:
    rows = every(3600, 24)
    assert under(rows, budget_day_usd=Decimal("0.006")).refused == 24 - 2 * 3
    # In Tokyo it is 21:00 at the first: three of that day, three of the next.
    tokyo = under(rows, budget_day_usd=Decimal("0.004"), time_zone="Asia/Tokyo")
    assert (tokyo.refused, tokyo.would_be_usd) == (24 - 2 * 2, Decimal("0.008"))


@pytest.mark.parametrize(
    ("limit", "refused"),
    [
        ({"scope": "user", "subject": "otto"}, 0),
        ({"scope": "user", "subject": "*"}, 3),
        ({"scope": "tier", "subject": "professional"}, 3),
        ({"scope": "team", "subject": "crew"}, 3),
        ({"scope": "token", "subject": "7"}, 3),
        ({"scope": "model", "subject": "openai/gpt-6.1-terra"}, 3),
        ({"scope": "tag", "subject": "night"}, 3),
        ({"scope": "credential", "subject": "openai"}, 3),
        ({"scope": "all", "subject": "*"}, 3),
        ({"is_soft": True}, 0),
    ],
)
def test_it_counts_for_whom_the_gateway_would_count_it(limit: dict[str, Any], refused: int) -> None:
    assert under(every(0, 4, tags=["night"]), requests_per_minute=1, **limit).refused == refused


def test_a_limit_for_each_yields_to_the_subjects_own() -> None:
    own = {"id": 2, "subject": "ann", "requests_per_minute": 100}
    assert under(every(0, 4), own, subject="*", requests_per_minute=1).refused == 0


def test_money_of_own_keys_counts_where_the_limit_says_so() -> None:
    rows = every(0, 3, used_byok=True, own_key_id=4)
    budget = {"budget_day_usd": Decimal("0.002")}
    assert under(rows, **budget).refused == 0
    assert under(rows, **budget, counts_byok=True).refused == 2
