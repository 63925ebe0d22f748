"""Dropped by hand and made again, tables inherit no money: not a sum, not an event, not an id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import psycopg
import pytest

from shared.ledger.checks.reconcile import drifts
from shared.ledger.filters import UsageFilters
from shared.ledger.rows import write_batch
from tests.fakes.usage_records import final, intent
from tests.migrations.statements import lines_of, rows, run

DERIVED = ("usage_daily", "usage_daily_by_model", "usage_daily_by_user", "usage_adjustments")
NAMED = ("llm_models", "llm_providers", "user_api_keys", "access_tokens")


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def use_a_model(database: psycopg.Connection[Any]) -> int:
    row = database.execute(
        "INSERT INTO llm_models (provider_id, model_name, model_id)"
        " VALUES (1, 'mine', 'mine-1') RETURNING id"
    ).fetchone()
    assert row is not None
    ids = {"model_id": row[0], "provider_id": 40, "user_key_id": 41, "access_token_id": 42}
    write_batch(database, [final(**ids), final(**ids)], [intent()])
    database.execute("UPDATE usage_outbox SET sent_at = now() WHERE id = 1")
    database.execute(
        "INSERT INTO usage_adjustments (request_id, usage_created_at, amount_usd, reason)"
        " SELECT request_id, created_at, 1, 'repriced' FROM llm_usage_logs LIMIT 1"
    )
    return row[0]


def test_with_the_log_goes_what_was_derived_of_it_and_it_is_said(
    database: psycopg.Connection[Any], migrated_database_url: str
) -> None:
    use_a_model(database)
    run(migrated_database_url, "DROP TABLE llm_usage_logs CASCADE")
    told = [
        line for line in lines_of(migrated_database_url) if "llm_usage_logs was dropped" in line
    ]
    assert len(told) == 1
    assert "1 events" in told[0]
    for table in DERIVED:
        assert rows(migrated_database_url, f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows(migrated_database_url, "SELECT count(*) FROM usage_outbox") == [(1,)], (
        "what was told"
    )
    assert drifts(database, UsageFilters(user_id=None)) == []
    assert lines_of(migrated_database_url) == ["nothing to do: the database is up to date"]


@pytest.mark.parametrize(
    "dropped",
    [[name] for name in NAMED]
    + [["llm_usage_logs", *some] for some in combinations(NAMED, 2)]
    + [["llm_usage_logs", *NAMED]],
    ids="+".join,
)
def test_no_new_row_gets_an_id_that_usage_names(
    database: psycopg.Connection[Any], migrated_database_url: str, dropped: list[str]
) -> None:
    used = {"llm_models": use_a_model(database), "llm_providers": 40, "user_api_keys": 41}
    used["access_tokens"] = 42
    for table in dropped:
        run(migrated_database_url, f"DROP TABLE {table} CASCADE")
    lines_of(migrated_database_url)
    lines_of(migrated_database_url)
    for table in set(dropped) - {"llm_usage_logs"}:
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        [(next_id,)] = rows(migrated_database_url, f"SELECT nextval({sequence})")
        assert next_id > used[table], table


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "UTC"])
def test_sums_are_looked_up_by_utc_days_wherever_the_server_stands(
    database: psycopg.Connection[Any], zone: str
) -> None:
    write_batch(database, [final() for _ in range(3)], [])
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    database.execute(f"SET timezone = '{zone}'".encode())
    for first in (today, today - timedelta(days=1), today + timedelta(days=1)):
        asked = UsageFilters(user_id=None, start=first, end=first + timedelta(days=1))
        assert drifts(database, asked) == []
