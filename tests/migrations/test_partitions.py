"""The usage log always has a place for a row of today and of tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest

from shared.ledger.partitions import PARTITION_SCHEMA, ensure_ahead, ensure_month, partition_name
from tests.migrations.statements import rows, run

PLACE = "SELECT tableoid::regclass::text FROM llm_usage_logs WHERE request_id = '{}'"


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def test_this_month_and_the_next_are_there_after_a_migration(migrated_database_url: str) -> None:
    now = datetime.now(UTC)
    names = {
        row[0]
        for row in rows(
            migrated_database_url,
            f"SELECT tablename FROM pg_tables WHERE schemaname = '{PARTITION_SCHEMA}'",
        )
    }
    after = (now.replace(day=1) + timedelta(days=32)).date()
    assert {partition_name(now.date()), partition_name(after)} <= names


def test_the_month_after_december_is_in_the_next_year(
    connection: psycopg.Connection[Any],
) -> None:
    december = datetime(2031, 12, 31, 23, tzinfo=UTC)
    assert ensure_ahead(connection, december) == [
        "llm_usage_logs_2031_12",
        "llm_usage_logs_2032_01",
    ]
    assert ensure_ahead(connection, december) == []


def test_the_month_is_that_of_utc(connection: psycopg.Connection[Any]) -> None:
    east = timezone(timedelta(hours=9))
    assert ensure_ahead(connection, datetime(2031, 3, 1, 8, 59, tzinfo=east)) == [
        "llm_usage_logs_2031_02",
        "llm_usage_logs_2031_03",
    ]


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        pytest.param("2031-05-01 00:00:00+00", "2031_05", id="the first instant of a month"),
        pytest.param("2031-05-31 23:59:59.999999+00", "2031_05", id="the last instant"),
        pytest.param("2031-06-01 00:00:00+00", "2031_06", id="the instant after it"),
        pytest.param("2031-06-01 00:30:00+02", "2031_05", id="a month by UTC, not by its zone"),
    ],
)
def test_a_row_is_in_the_partition_of_its_utc_month(
    connection: psycopg.Connection[Any], migrated_database_url: str, moment: str, month: str
) -> None:
    connection.execute("SET timezone = 'Asia/Tokyo'")
    ensure_ahead(connection, datetime(2031, 5, 9, tzinfo=UTC))
    run(
        migrated_database_url,
        "INSERT INTO llm_usage_logs (request_id, user_id, created_at)"
        f" VALUES ('r', 'ada', '{moment}')",
    )
    assert rows(migrated_database_url, PLACE.format("r")) == [
        (f"{PARTITION_SCHEMA}.llm_usage_logs_{month}",)
    ]


def test_many_who_make_one_month_make_it_once(migrated_database_url: str) -> None:
    def make(_: int) -> bool:
        with psycopg.connect(migrated_database_url, autocommit=True) as connection:
            return ensure_month(connection, date(2033, 7, 15))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [False, False, False, True]


def test_a_month_is_made_while_a_reader_holds_the_log(
    connection: psycopg.Connection[Any], migrated_database_url: str
) -> None:
    connection.execute("SET lock_timeout = '2s'")
    with psycopg.connect(migrated_database_url) as reader:
        reader.execute("SELECT count(*) FROM llm_usage_logs")
        assert ensure_month(connection, date(2034, 1, 1))
