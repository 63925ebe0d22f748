"""The record and its row have room for whom and why, and read what the last release wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec import structs
from psycopg.rows import dict_row

from shared.db.tables.usage import LlmUsageLog
from shared.ledger.batch import Batch, decode_batch
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import read_page_at_once
from shared.ledger.record import UsageFinal, UsageIntent
from shared.ledger.rows import Written, missing_request_ids, write_batch
from tests.fakes.usage_records import final, intent

Connection = psycopg.Connection[Any]
WHY: dict[str, Any] = {
    "end_user": "alice@example.org",
    "tags": ("team:search", "nightly"),
    "endpoint": "chat",
    "catalog_version": 77,
    "routing_facts": b"\x00\xff",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "parent_span_id": "00f067aa0ba902b7",
    "trace_flags": 1,
}


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def only_row(connection: Connection) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute("SELECT * FROM llm_usage_logs").fetchall()
    return row


@pytest.mark.parametrize("is_orphan", [False, True])
def test_a_row_says_for_whom_and_why(connection: Connection, is_orphan: bool) -> None:
    if is_orphan:
        write_batch(connection, [], [intent(**WHY)])
    else:
        write_batch(connection, [final(**WHY, error_detail="the model is overloaded")], [])
    row = only_row(connection)
    assert {name: row[name] for name in WHY} == {**WHY, "tags": ["team:search", "nightly"]}
    assert row["error_detail"] == (None if is_orphan else "the model is overloaded")
    [shown] = read_page_at_once(connection, UsageFilters(user_id=None), after=None, limit=9)
    assert (shown["end_user"], shown["tags"], shown["endpoint"]) == (
        WHY["end_user"],
        ["team:search", "nightly"],
        "chat",
    )
    assert not {"routing_facts", "trace_id", "user_agent"} & shown.keys()


def test_every_field_of_a_record_has_its_column() -> None:
    columns = set(LlmUsageLog.model_fields)
    fields = {name.replace("_pico_usd", "_usd") for name in UsageFinal.__struct_fields__}
    assert fields <= columns
    assert set(UsageIntent.__struct_fields__) - {"deadline_ms"} <= fields


def test_an_entry_of_the_last_release_is_read() -> None:
    last, orphan = final(), intent()
    entry = msgspec.msgpack.encode([[structs.astuple(last)[:41]], [structs.astuple(orphan)[:14]]])
    assert decode_batch(entry) == Batch((last,), (orphan,))


def test_the_last_release_reads_an_entry_of_this_one() -> None:
    """Its decoder of arrays leaves out what stands behind the fields that it knows."""
    known = [(name, Any) for name in UsageFinal.__struct_fields__[:41]]
    of_last_release = msgspec.defstruct("OfLastRelease", known, array_like=True)
    record = final(**WHY)
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=of_last_release)
    assert structs.astuple(read)[:5] == structs.astuple(record)[:5]


def test_what_nobody_knows_the_cost_of_is_shown_and_counted_and_bills_nothing(
    connection: Connection, migrated_database_url: str
) -> None:
    unsettled = final(
        state="indeterminate",
        prompt_tokens=None,
        completion_tokens=None,
        total_tokens=None,
        cached_tokens=None,
        reasoning_tokens=None,
        cost_input_pico_usd=None,
        cost_output_pico_usd=None,
        cost_total_pico_usd=None,
        cost_quality="estimated",
        cost_estimated_pico_usd=7_000_000_000,
        user_key_id=1,
    )
    assert write_batch(connection, [unsettled], []) == Written(1, 0, 0)
    row = only_row(connection)
    assert (row["state"], row["cost_total_usd"]) == ("indeterminate", None)
    assert row["cost_estimated_usd"] == Decimal("0.007")
    assert connection.execute("SELECT count(*) FROM usage_outbox").fetchone() == (0,)
    sums = "SELECT sum(requests), sum(indeterminate_requests), sum(cost_total_usd) FROM usage_daily"
    assert connection.execute(sums).fetchone() == (1, 1, 0)

    async def missing(*, final_only: bool) -> set[str]:
        async with await psycopg.AsyncConnection.connect(migrated_database_url) as asked:
            return await missing_request_ids(asked, [unsettled.request_id], final_only=final_only)

    assert asyncio.run(missing(final_only=False)) == set()
    assert asyncio.run(missing(final_only=True)) == {unsettled.request_id}
    settled = final(request_id=unsettled.request_id)
    assert write_batch(connection, [settled], []) == Written(0, 1, 0)
    assert connection.execute(sums).fetchone() == (1, 0, Decimal("0.0025"))
    assert only_row(connection)["cost_estimated_usd"] is None


def test_a_key_counts_a_request_once_that_was_unsettled_first(connection: Connection) -> None:
    key = connection.execute(
        "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)"
        " SELECT 'user-1', min(id), 'sealed' FROM llm_providers RETURNING id"
    ).fetchone()
    assert key is not None
    record = final(user_key_id=key[0], billed_to="user")
    write_batch(connection, [structs.replace(record, state="indeterminate")], [])
    write_batch(connection, [record], [])
    total = connection.execute("SELECT total_requests FROM user_api_keys").fetchone()
    assert total == (1,)
