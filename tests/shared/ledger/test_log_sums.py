"""Sums by end user and by tag, taken from the log: the same sums, told apart further."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import psycopg
import pytest

from shared.db.connections import CommandDatabase
from shared.ledger import summary as usage_summary
from shared.ledger.filters import UsageFilters
from shared.ledger.rows import write_batch
from shared.ledger.summary import (
    GROUPS,
    ONLY_IN_LOG,
    Summary,
    log_sums,
    read_summary,
    summary_of,
)
from tests.fakes.usage_records import final, intent, request_id_at
from tests.shared.ledger.test_rollups import write_some

Connection = psycopg.Connection[Any]
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
COST = Decimal("0.0025")


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def adjust(connection: Connection, request_id: str) -> None:
    connection.execute(
        "INSERT INTO usage_adjustments (request_id, usage_created_at, amount_usd, reason)"
        " VALUES (%s, %s, 1, 'repriced')",
        (request_id, NOON),
    )


def summary(dsn: str, *groups: str, **filters: Any) -> Summary:
    return asyncio.run(summary_of(CommandDatabase(dsn), UsageFilters(None, **filters), groups))


def requests_by(name: str, found: Summary) -> dict[str | None, int]:
    return {row[name]: row["requests"] for row in found.groups}


def test_the_log_says_what_the_daily_sums_say(
    connection: Connection, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_some(connection)
    daily = [name for name in GROUPS if name not in ONLY_IN_LOG]
    groups = [list(some) for size in range(3) for some in combinations(daily, size)]
    filters = UsageFilters(None, team="team-2", start=datetime(2026, 10, 2, tzinfo=UTC))

    async def summaries() -> list[Any]:
        async with await psycopg.AsyncConnection.connect(migrated_database_url) as other:
            return [
                [row for row in await read_summary(other, filters, some) if row["requests"]]
                for some in groups
            ]

    daily_sums = asyncio.run(summaries())
    assert all(daily_sums)
    monkeypatch.setattr(usage_summary, "_source", log_sums)
    assert asyncio.run(summaries()) == daily_sums


def test_a_row_counts_for_each_of_its_tags_and_once_in_the_total(
    connection: Connection, migrated_database_url: str
) -> None:
    twice = final(request_id=request_id_at(NOON), tags=("a", "b"), end_user="eve")
    once = final(request_id=request_id_at(NOON), tags=("a",), end_user="eve")
    none = final(request_id=request_id_at(NOON), end_user="bob")
    orphan = intent(request_id=request_id_at(NOON), tags=("b",))
    write_batch(connection, [twice, once, none], [orphan])
    adjust(connection, twice.request_id)
    by_tag = summary(migrated_database_url, "tag")
    assert requests_by("tag", by_tag) == {"a": 2, "b": 2, None: 1}
    assert by_tag.total["requests"] == 4
    assert by_tag.total["cost_usd"] == 3 * COST
    by_end_user = summary(migrated_database_url, "end_user")
    assert requests_by("end_user", by_end_user) == {"bob": 1, "eve": 2, None: 1}
    assert [row["adjustments_usd"] for row in by_end_user.groups] == [0, 1, 0]


def test_models_that_nobody_listed_are_told_apart_and_found_by_their_names(
    connection: Connection, migrated_database_url: str
) -> None:
    night = NOON - timedelta(days=1)
    unlisted: dict[str, Any] = {"model_id": None, "model_served": "gpt-4o-mini", "provider_id": 1}
    write_batch(
        connection,
        [
            final(request_id=request_id_at(NOON), provider_id=1, model_id=2),
            final(request_id=request_id_at(NOON), **unlisted),
            final(request_id=request_id_at(night), **unlisted),
            final(request_id=request_id_at(NOON), **{**unlisted, "provider_id": 7}),
            final(request_id=request_id_at(NOON), **{**unlisted, "model_served": "o9"}),
        ],
        [],
    )
    by_model = summary(migrated_database_url, "model")
    [listed] = connection.execute("SELECT model_id FROM llm_models WHERE id = 2").fetchone() or []
    found = {(row["provider"], row["model"]): row["requests"] for row in by_model.groups}
    assert found.pop((by_model.groups[0]["provider"], listed)) == 1
    assert found == {
        ("openai", "gpt-4o-mini"): 2,
        ("openrouter", "gpt-4o-mini"): 1,
        ("openai", "o9"): 1,
    }
    assert by_model.total["requests"] == 5
    assert by_model.total["cost_usd"] == 5 * COST
    days = [row["day"] for row in summary(migrated_database_url, "day", "model").groups]
    assert days == sorted(days)
    named = summary(migrated_database_url, "provider", model="gpt-4o-mini")
    assert requests_by("provider", named) == {"openai": 2, "openrouter": 1}
    assert summary(migrated_database_url, model=listed).total["requests"] == 1


def test_filters_of_end_user_and_tag_leave_out_all_others(
    connection: Connection, migrated_database_url: str
) -> None:
    write_batch(
        connection,
        [final(tags=("a",), end_user="eve"), final(tags=("ab",), end_user="ev"), final()],
        [],
    )
    assert summary(migrated_database_url, "model", tag="a").total["requests"] == 1
    assert summary(migrated_database_url, "model", end_user="ev").total["requests"] == 1
    assert summary(migrated_database_url, "model", tag="'; --").total["requests"] == 0


def test_tags_that_a_hand_wrote_as_no_list_break_no_sum(
    connection: Connection, migrated_database_url: str
) -> None:
    write_batch(connection, [final(tags=("a",)), final(tags=("b",))], [])
    connection.execute("UPDATE llm_usage_logs SET tags = '{}' WHERE tags ? 'b'")
    assert requests_by("tag", summary(migrated_database_url, "tag")) == {"a": 1, None: 1}
