"""Usage records become rows exactly once, and every sum follows the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from shared.ledger.batch import Batch, encode_batch
from shared.ledger.faults import InvalidRecord
from shared.ledger.record import Attempt, UsageFinal
from shared.ledger.request_id import created_at
from shared.ledger.rows import Written, missing_request_ids, write_batch
from tests.fakes.usage_records import final, intent, request_id_at

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def one(connection: Connection, query: str) -> tuple[Any, ...]:
    rows = connection.execute(query.encode()).fetchall()
    assert len(rows) == 1
    return rows[0]


def dump(connection: Connection) -> list[list[tuple[Any, ...]]]:
    return [
        connection.execute(f"SELECT * FROM {table} ORDER BY id".encode()).fetchall()
        for table in ("llm_usage_logs", "usage_daily", "usage_outbox", "user_api_keys")
    ]


def add_key(connection: Connection) -> int:
    row = connection.execute(
        "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)"
        " SELECT 'user-1', min(id), 'sealed' FROM llm_providers RETURNING id"
    ).fetchone()
    assert row is not None
    return int(row[0])


def daily_totals(connection: Connection) -> tuple[Any, ...]:
    return one(
        connection,
        "SELECT sum(requests), sum(indeterminate_requests), sum(unpriced_requests),"
        " sum(total_tokens), sum(cost_total_usd) FROM usage_daily",
    )


def test_a_row_holds_what_the_record_said(connection: Connection) -> None:
    attempts = (Attempt("groq", "llama", 503, "provider_unavailable", 40),)
    record = final(task_type="coding", attempts=attempts, was_fallback=True)
    assert write_batch(connection, [record], []) == Written(1, 0, 0)
    row = one(
        connection,
        "SELECT request_id, state, created_at, task_type, attempts, was_fallback, total_tokens,"
        " cost_total_usd, provider_cost_usd, tokens_per_second, lago_event_id"
        " FROM llm_usage_logs",
    )
    assert row == (
        record.request_id,
        "final",
        created_at(record.request_id),
        "coding",
        [
            {
                "provider": "groq",
                "model": "llama",
                "status": 503,
                "error": "provider_unavailable",
                "latency_ms": 40,
                "via": None,
            }
        ],
        True,
        1200,
        Decimal("0.0025"),
        None,
        Decimal(100),
        None,
    )


def test_a_batch_written_twice_changes_nothing_the_second_time(connection: Connection) -> None:
    key = add_key(connection)
    finals = [final() for _ in range(5)] + [final(user_key_id=key, billed_to="user")]
    orphans = [intent()]
    assert write_batch(connection, finals, orphans) == Written(7, 0, 0)
    before = dump(connection)
    assert write_batch(connection, finals, orphans) == Written(0, 0, 7)
    assert dump(connection) == before


@pytest.mark.parametrize("there", range(5))
def test_of_a_batch_the_rows_that_are_there_already_move_nothing(
    connection: Connection, there: int
) -> None:
    key = add_key(connection)
    finals = [final(user_key_id=key, total_tokens=10**number) for number in range(5)]
    write_batch(connection, [finals[there]], [])
    assert write_batch(connection, finals, []) == Written(4, 0, 1)
    assert daily_totals(connection)[0::3] == (5, 11111)
    assert one(connection, "SELECT total_requests, total_tokens FROM user_api_keys") == (5, 11111)
    assert one(connection, "SELECT count(*), count(DISTINCT request_id) FROM usage_outbox") == (
        5,
        5,
    )


def test_a_row_that_was_deleted_and_comes_again_is_not_billed_again(connection: Connection) -> None:
    record, other = final(), final()
    write_batch(connection, [record], [])
    connection.execute("DELETE FROM llm_usage_logs")
    assert write_batch(connection, [record, other], []) == Written(2, 0, 0)
    assert one(connection, "SELECT count(*), count(DISTINCT request_id) FROM usage_outbox") == (
        2,
        2,
    )


def test_money_is_exact_to_the_last_pico_dollar(connection: Connection) -> None:
    costs = [1, 999_999_999_999, 123_456_789_012_345_678, 9_223_372_036_854_775_807]
    write_batch(connection, [final(cost_total_pico_usd=cost) for cost in costs], [])
    held = {row[0] for row in connection.execute("SELECT cost_total_usd FROM llm_usage_logs")}
    assert held == {
        Decimal("0.000000000001"),
        Decimal("0.999999999999"),
        Decimal("123456.789012345678"),
        Decimal("9223372.036854775807"),
    }
    assert daily_totals(connection)[-1] == Decimal(sum(costs)).scaleb(-12)


def test_an_orphan_is_a_row_that_counts_no_tokens_and_no_cost(connection: Connection) -> None:
    assert write_batch(connection, [], [intent()]) == Written(1, 0, 0)
    assert one(
        connection,
        "SELECT state, provider_id, attempts, total_tokens, cost_total_usd FROM llm_usage_logs",
    ) == ("indeterminate", 9, [], None, None)
    assert daily_totals(connection) == (1, 1, 0, 0, 0)
    assert one(connection, "SELECT count(*) FROM usage_outbox") == (0,)


def test_a_final_after_its_orphan_replaces_it_and_moves_its_count(connection: Connection) -> None:
    orphan, other = intent(), intent()
    write_batch(connection, [], [orphan, other])
    record = final(request_id=orphan.request_id)
    assert write_batch(connection, [record], []) == Written(0, 1, 0)
    assert one(
        connection, "SELECT provider_id, total_tokens FROM llm_usage_logs WHERE state = 'final'"
    ) == (1, 1200)
    assert one(
        connection,
        "SELECT requests, indeterminate_requests FROM usage_daily WHERE provider_id = 9",
    ) == (1, 1)
    assert daily_totals(connection) == (2, 1, 0, 1200, Decimal("0.0025"))
    assert one(connection, "SELECT request_id FROM usage_outbox") == (record.request_id,)


def test_an_orphan_after_its_final_is_ignored(connection: Connection) -> None:
    record = final()
    write_batch(connection, [record], [])
    before = dump(connection)
    assert write_batch(connection, [], [intent(request_id=record.request_id)]) == Written(0, 0, 1)
    assert dump(connection) == before


def test_a_second_final_of_a_request_changes_nothing(connection: Connection) -> None:
    record = final()
    write_batch(connection, [record], [])
    before = dump(connection)
    dearer = final(request_id=record.request_id, cost_total_pico_usd=1)
    assert write_batch(connection, [dearer], []) == Written(0, 0, 1)
    assert dump(connection) == before


def test_of_two_records_of_a_request_in_one_batch_the_final_is_written(
    connection: Connection,
) -> None:
    record = final()
    assert write_batch(
        connection, [record, record], [intent(request_id=record.request_id)]
    ) == Written(1, 0, 2)
    assert daily_totals(connection) == (1, 0, 0, 1200, Decimal("0.0025"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, 1, id="the platform pays a known cost"),
        pytest.param({"billed_to": "user"}, 0, id="the user pays the provider"),
        pytest.param({"is_simulated": True}, 0, id="nothing was spent"),
        pytest.param(
            {"cost_total_pico_usd": None, "cost_quality": "unpriced"}, 0, id="the cost is unknown"
        ),
        pytest.param({"cost_total_pico_usd": 0}, 1, id="a cost of zero is known"),
    ],
)
def test_billing_hears_of_a_row_only_where(
    connection: Connection, changes: dict[str, Any], expected: int
) -> None:
    write_batch(connection, [final(**changes)], [])
    assert one(connection, "SELECT count(*) FROM usage_outbox") == (expected,)


def test_an_unknown_cost_is_counted_as_unpriced_and_not_as_nothing(connection: Connection) -> None:
    write_batch(connection, [final(cost_total_pico_usd=None, total_tokens=None), final()], [])
    assert daily_totals(connection) == (2, 0, 1, 1200, Decimal("0.0025"))


def test_a_users_key_counts_what_it_was_used_for(connection: Connection) -> None:
    key = add_key(connection)
    early = datetime(2026, 3, 1, 8, tzinfo=UTC)
    late = datetime(2026, 3, 1, 9, tzinfo=UTC)
    mine = {"user_key_id": key, "billed_to": "user", "used_byok": True}
    write_batch(connection, [final(request_id=request_id_at(late), **mine)], [])
    write_batch(
        connection,
        [
            final(request_id=request_id_at(early), **mine),
            final(request_id=request_id_at(early), is_simulated=True, **mine),
        ],
        [],
    )
    assert one(
        connection,
        "SELECT total_requests, total_tokens, total_cost_usd, last_used_at FROM user_api_keys",
    ) == (3, 3600, Decimal("0.005"), late)


def test_a_row_outlives_the_provider_model_and_key_it_names(connection: Connection) -> None:
    record = final(provider_id=10**9, model_id=10**9, user_key_id=10**9, access_token_id=10**9)
    assert write_batch(connection, [record], []) == Written(1, 0, 0)


def test_a_month_without_partition_gets_one(connection: Connection) -> None:
    long_ago = datetime(2021, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    new_year = datetime(2022, 1, 1, tzinfo=UTC)
    finals = [final(request_id=request_id_at(moment)) for moment in (long_ago, new_year)]
    assert write_batch(connection, finals, []) == Written(2, 0, 0)
    rows = connection.execute("SELECT day FROM usage_daily ORDER BY day").fetchall()
    assert [row[0] for row in rows] == [date(2021, 12, 31), date(2022, 1, 1)]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (final(latency_ms=2**31), psycopg.DataError),
        (final(fallback_reason="x", cost_total_pico_usd=10**40), psycopg.DataError),
        (final(request_id="not-a-uuid"), InvalidRecord),
        (final(request_id="ffffffff-ffff-7fff-bfff-ffffffffffff"), InvalidRecord),
    ],
    ids=["an integer too large", "money too large", "no UUID", "year 10889"],
)
def test_a_record_at_fault_is_refused_and_nothing_of_its_batch_is_written(
    connection: Connection, bad: UsageFinal, error: type[Exception]
) -> None:
    with pytest.raises(error):
        write_batch(connection, [final(), bad, final()], [])
    assert [len(rows) for rows in dump(connection)] == [0, 0, 0, 0]
    assert write_batch(connection, [final()], []) == Written(1, 0, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Decimal(100)),
        ({"ttft_ms": None}, None),
        ({"completion_tokens": None}, None),
        ({"ttft_ms": 2500}, None),
        ({"completion_tokens": 1, "latency_ms": 3500}, Decimal("0.333")),
    ],
    ids=["200 in 2 s", "not streamed", "unmeasured", "no time", "rounded"],
)
def test_tokens_per_second_is_of_the_time_after_the_first_token(
    connection: Connection, changes: dict[str, Any], expected: Decimal | None
) -> None:
    write_batch(connection, [final(**changes)], [])
    assert one(connection, "SELECT tokens_per_second FROM llm_usage_logs") == (expected,)


def test_ids_that_are_rows_or_in_quarantine_are_not_missing(
    connection: Connection, migrated_database_url: str
) -> None:
    written, orphan, poison, lost = final(), intent(), final(latency_ms=2**31), final()
    write_batch(connection, [written], [orphan])
    connection.execute(
        "INSERT INTO usage_quarantine (stream_id, payload, error) VALUES ('1-0', %s, 'large')",
        (encode_batch(Batch((poison,), ())),),
    )
    ids = [record.request_id for record in (written, orphan, poison, lost)] + ["not-a-uuid"]

    async def ask(wanted: list[str]) -> set[str]:
        async with await psycopg.AsyncConnection.connect(migrated_database_url) as connection:
            return await missing_request_ids(connection, wanted)

    assert asyncio.run(ask(ids)) == {lost.request_id, "not-a-uuid"}
    assert asyncio.run(ask([])) == set()
