"""A late price is an adjustment beside the row, once, and every sum and billing follow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from shared.ledger.checks.reconcile import compare, drifts, rows_apart
from shared.ledger.filters import UsageFilters
from shared.ledger.reprice import Repriced, reprice
from shared.ledger.rows import write_batch
from tests.fakes.usage_records import final, intent, request_id_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = UsageFilters(None)
UNKNOWN: dict[str, Any] = {
    "cost_input_pico_usd": None,
    "cost_output_pico_usd": None,
    "cost_total_pico_usd": None,
    "cost_quality": "unpriced",
    "price_version": None,
}
REPORTED: dict[str, Any] = {
    "provider_cost_pico_usd": 12_000_000_000,
    "cost_input_pico_usd": None,
    "cost_output_pico_usd": None,
    "cost_total_pico_usd": 12_000_000_000,
    "cost_quality": "provider_reported",
    "price_version": None,
}
Database = psycopg.Connection[Any]


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[Database]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM model_prices WHERE model_id = 2")
        yield connection


def price(database: Database, version: int, since: datetime, usd: str, **more: Any) -> None:
    """Of model 2: so many USD a million tokens, in and out."""
    tiers = [{"start_tokens": 0, "input": usd, "output": usd, **more}]
    database.execute(
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " VALUES (2, %s, %s, 'test', now(), %s)",
        (version, since, Jsonb({"tiers": tiers})),
    )


def repriced(database: Database, *, every: bool = False, dry: bool = False) -> Repriced:
    batches = [*reprice(database, ALL, every=every, by="test", dry=dry)]
    return (
        Repriced(*map(sum, zip(*batches, strict=True)))
        if batches
        else Repriced(0, 0, 0, Decimal(0))
    )


def one(database: Database, query: str) -> tuple[Any, ...]:
    row = database.execute(query.encode()).fetchone()
    assert row is not None
    return row


def at(hours: float, **changes: Any) -> Any:
    return final(request_id=request_id_at(NOON + timedelta(hours=hours)), **changes)


def test_a_late_price_adjusts_each_row_once_and_the_row_stays(database: Database) -> None:
    records = [at(0, **UNKNOWN) for _ in range(3)]
    write_batch(database, [*records, at(0)], [intent()])
    assert repriced(database) == Repriced(3, 0, 3, Decimal(0))
    price(database, 1, NOON + timedelta(days=1), "2", cached="1")
    expected = Decimal("0.0023") * 3
    assert repriced(database, dry=True) == Repriced(3, 3, 0, expected)
    assert repriced(database) == Repriced(3, 3, 0, expected)
    assert repriced(database) == Repriced(3, 0, 0, Decimal(0))
    assert one(
        database, "SELECT count(*), sum(amount_usd), min(price_version) FROM usage_adjustments"
    ) == (3, expected, 1)
    assert one(
        database,
        "SELECT count(*) FROM llm_usage_logs WHERE cost_total_usd IS NULL AND state = 'final'",
    ) == (3,)
    assert one(
        database,
        "SELECT sum(cost_total_usd), sum(adjustments_usd), sum(unpriced_requests),"
        " sum(repriced_requests) FROM usage_daily",
    ) == (Decimal("0.0025"), expected, 3, 3)
    assert one(database, "SELECT count(*), count(adjustment_id) FROM usage_outbox") == (4, 3)
    assert drifts(database, ALL) == []


def test_the_price_in_force_at_the_time_is_taken_else_the_first_after(database: Database) -> None:
    price(database, 1, NOON, "1")
    price(database, 2, NOON + timedelta(hours=2), "10")
    before, between, behind = at(-1, **UNKNOWN), at(1, **UNKNOWN), at(3, **UNKNOWN)
    write_batch(database, [before, between, behind], [])
    repriced(database)
    versions = dict(
        database.execute("SELECT request_id, price_version FROM usage_adjustments").fetchall()
    )
    assert versions == {before.request_id: 1, between.request_id: 1, behind.request_id: 2}


def test_a_corrected_price_adjusts_by_the_difference_and_again_by_the_next(
    database: Database,
) -> None:
    write_batch(database, [at(1)], [])
    price(database, 1, NOON, "1")
    assert repriced(database) == Repriced(0, 0, 0, Decimal(0)), "it has a cost"
    assert repriced(database, every=True).amount_usd == Decimal("-0.0013")
    price(database, 2, NOON, "5")
    assert repriced(database, every=True).amount_usd == Decimal("0.0048")
    assert repriced(database, every=True).amount_usd == 0
    assert one(database, "SELECT sum(cost_total_usd + adjustments_usd) FROM usage_daily") == (
        Decimal("0.006"),
    )


def test_a_free_model_is_priced_at_zero_and_known_to_be(database: Database) -> None:
    write_batch(database, [at(1, **UNKNOWN)], [])
    price(database, 1, NOON, "0")
    assert repriced(database) == Repriced(1, 1, 0, Decimal(0))
    assert repriced(database) == Repriced(1, 0, 0, Decimal(0))
    assert one(database, "SELECT sum(repriced_requests) FROM usage_daily") == (1,)


def test_every_part_is_priced_as_when_it_was_fresh(database: Database) -> None:
    parts = {"cache_write_tokens": 300, "cache_write_1h_tokens": 100, "service_tier": None}
    write_batch(database, [at(1, **UNKNOWN, **parts)], [])
    price(database, 1, NOON, "1", cached="0.1", cache_write="2", cache_write_1h="4")
    assert repriced(database).amount_usd == Decimal("0.00161")


def test_users_and_simulated_rows_are_adjusted_without_billing(database: Database) -> None:
    mine = {"billed_to": "user", "used_byok": True, "user_key_id": 1}
    write_batch(database, [at(1, **UNKNOWN, **mine), at(1, **UNKNOWN, is_simulated=True)], [])
    price(database, 1, NOON, "1")
    assert repriced(database).adjusted == 2
    assert one(database, "SELECT count(*) FROM usage_outbox") == (0,)


def test_what_has_no_token_counts_stays_unknown(database: Database) -> None:
    write_batch(database, [at(1, **UNKNOWN, prompt_tokens=None, completion_tokens=None)], [])
    price(database, 1, NOON, "1")
    assert repriced(database) == Repriced(1, 0, 1, Decimal(0))


def test_a_run_that_was_killed_between_batches_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.reprice._ROWS_AT_ONCE", 2)
    write_batch(database, [at(number, **UNKNOWN) for number in range(5)], [])
    price(database, 1, NOON, "1")
    first = next(reprice(database, ALL, every=False, by="test"))
    assert first.adjusted == 2
    assert repriced(database).adjusted == 3
    assert one(database, "SELECT count(*) FROM usage_adjustments") == (5,)


def test_a_second_opinion_is_compared_and_what_is_apart_is_listed(database: Database) -> None:
    same = at(1, provider_cost_pico_usd=2_500_000_000)
    close = at(1, provider_cost_pico_usd=2_510_000_000)
    apart = at(1, provider_cost_pico_usd=5_000_000_000)
    told = at(
        1,
        provider_cost_pico_usd=7,
        cost_total_pico_usd=7,
        cost_quality="provider_reported",
        cost_input_pico_usd=None,
    )
    write_batch(database, [same, close, apart, told, at(1)], [])
    allowed: dict[str, Any] = {"share": Decimal("0.01"), "usd": Decimal("1e-9")}
    [found] = compare(database, ALL, **allowed)
    assert (found.provider, found.rows, found.apart) == ("openai", 3, 1)
    assert found.difference_usd == Decimal("-0.00251")
    assert found.charged_usd == found.ours_usd
    [row] = rows_apart(database, ALL, **allowed, limit=10)
    assert row["request_id"] == apart.request_id
    assert row["difference_usd"] == Decimal("-0.0025")


def test_sums_that_are_not_those_of_the_rows_are_found(database: Database) -> None:
    write_batch(database, [at(1), at(25)], [])
    assert drifts(database, ALL) == []
    database.execute("UPDATE usage_daily SET cost_total_usd = 0 WHERE day = '2026-03-01'")
    database.execute("DELETE FROM llm_usage_logs WHERE created_at > '2026-03-02'")
    assert [(found.day.day, found.rows, found.summed_rows) for found in drifts(database, ALL)] == [
        (1, 1, 1),
        (2, 0, 1),
    ]


def test_what_a_provider_reported_is_shown_beside_the_list_price(database: Database) -> None:
    price(database, 1, NOON - timedelta(days=1), "2", cached="2")
    record = at(1)
    tokens = (record.prompt_tokens or 0) + (record.completion_tokens or 0)
    told = at(1, **REPORTED)
    write_batch(database, [told], [])
    [found] = compare(database, ALL, share=Decimal("0.01"), usd=Decimal("1e-9"))
    assert (found.ours_usd, found.theirs_usd) == (Decimal(2 * tokens).scaleb(-6), Decimal("0.012"))
    assert found.charged_usd == found.theirs_usd


def test_repricing_everything_keeps_what_a_provider_reported(database: Database) -> None:
    price(database, 1, NOON - timedelta(days=1), "2", cached="2")
    write_batch(database, [at(1, **REPORTED)], [])
    assert repriced(database, every=True).adjusted == 0
    database.execute(
        "INSERT INTO usage_adjustments (request_id, usage_created_at, amount_usd, price_version,"
        " reason, created_by) SELECT request_id, created_at, -0.006, 1, 'repriced', 'before'"
        " FROM llm_usage_logs"
    )
    assert repriced(database, every=True).amount_usd == Decimal("0.006")
    assert repriced(database, every=True).adjusted == 0
