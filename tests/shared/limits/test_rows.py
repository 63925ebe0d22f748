"""Rows as they are held: what cannot be is named, whose row it is, and which day a budget has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.limits.book import Book, Subjects
from shared.limits.limit import BadLimit, Kind, Limit, read_limit
from shared.limits.periods import period_of

ROW: dict[str, Any] = {
    "id": 1,
    "scope": "user",
    "subject": "alice",
    "requests_per_minute": 5,
    "tokens_per_minute": None,
    "concurrent_requests": None,
    "budget_day_usd": None,
    "budget_month_usd": None,
    "is_soft": False,
    "on_budget": "refuse",
    "counts_byok": False,
    "time_zone": "UTC",
}
ALICE = Subjects(7, "alice", "red", "free", "bob")


def limit(scope: str, subject: str, **more: Any) -> Limit:
    return read_limit({**ROW, "scope": scope, "subject": subject, **more})


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"scope": "nobody"}, "scope"),
        ({"subject": ""}, "subject"),
        ({"subject": "a\x00b"}, "subject"),
        ({"requests_per_minute": None}, "limits"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"budget_day_usd": Decimal("NaN")}, "budget_day_usd"),
        ({"budget_day_usd": Decimal(10**7)}, "budget_day_usd"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"on_budget": "laugh"}, "on_budget"),
    ],
)
def test_a_row_that_cannot_be_held_names_its_column(wrong: dict[str, Any], column: str) -> None:
    with pytest.raises(BadLimit) as caught:
        read_limit({**ROW, **wrong})
    assert caught.value.column == column


def test_a_users_own_row_comes_before_that_of_the_tier_and_that_before_each() -> None:
    rows = [limit("user", "*"), limit("tier", "free"), limit("user", "alice")]
    for number in (3, 2, 1):
        [held] = Book(rows[:number]).of_caller(ALICE)
        assert (held.limit, held.subject) == (rows[number - 1], "alice")
        assert held.meter == "user:alice"


def test_each_subject_of_a_star_has_a_meter_of_its_own() -> None:
    book = Book([limit("end_user", "*")])
    assert [held.meter for held in book.of_caller(ALICE)] == ["end_user:bob"]
    assert book.of_caller(ALICE._replace(end_user=None)) == ()


def test_a_model_is_limited_by_its_id_or_at_one_provider() -> None:
    book = Book([limit("model", "gpt-4o"), limit("model", "azure/gpt-4o")])
    meters = [book.of_served(slug, "gpt-4o", 0)[0].meter for slug in ("openai", "azure", "groq")]
    assert meters == ["model:gpt-4o", "model:azure/gpt-4o", "model:gpt-4o"]


def test_a_credential_is_the_platforms_or_one_own_key() -> None:
    book = Book([limit("credential", "openai"), limit("credential", "12")])
    assert [held.subject for held in book.of_served("openai", "m", 0)] == ["openai"]
    assert [held.subject for held in book.of_served("openai", "m", 12)] == ["12"]
    assert book.of_served("openai", "m", 13) == ()


@pytest.mark.parametrize(
    ("kind", "now", "name", "hours"),
    [
        (Kind.DAY, 1_774_760_400, "2026-03-29", 23),
        (Kind.DAY, 1_792_900_800, "2026-10-25", 25),
        (Kind.MONTH, 1_798_757_999, "2026-12", 744),
        (Kind.MONTH, 1_798_758_000, "2027-01", 744),
    ],
)
def test_days_and_months_are_those_of_the_zone(
    kind: Kind, now: float, name: str, hours: int
) -> None:
    period = period_of(kind, ZoneInfo("Europe/Berlin"), now)
    assert (period.name, (period.ends - period.begins) / 3600) == (name, hours)
    assert period.begins <= now < period.ends
