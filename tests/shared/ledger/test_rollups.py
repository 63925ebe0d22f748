"""The smaller copies of usage_daily are equal to it, whoever writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import psycopg
import pytest
from psycopg import sql

from shared.db.rollups import DAILY, DAILY_KEYS, DAILY_SUMS, ROLLUPS, smallest_with
from shared.ledger import summary as usage_summary
from shared.ledger.filters import UsageFilters
from shared.ledger.rows import write_batch
from shared.ledger.summary import GROUPS, read_summary
from tests.fakes.usage_records import final, intent, request_id_at
from tests.migrations.statements import lines_of

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def sums(connection: Connection, table: str, keys: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Of each group that is not all zeros: a row that was taken back stays as such."""
    query = sql.SQL(
        "SELECT * FROM (SELECT day, {keys}, {sums} FROM {table} GROUP BY day, {keys}) AS held"
        " WHERE {any} ORDER BY {order}"
    ).format(
        table=sql.Identifier(table),
        keys=sql.SQL(", ").join(map(sql.Identifier, keys)),
        sums=sql.SQL(", ").join(
            sql.SQL("sum({name}) AS {name}").format(name=sql.Identifier(name))
            for name in DAILY_SUMS
        ),
        any=sql.SQL(" OR ").join(
            sql.SQL("{} <> 0").format(sql.Identifier(name)) for name in DAILY_SUMS
        ),
        order=sql.SQL(", ").join(map(sql.Identifier, ("day", *keys))),
    )
    return connection.execute(query).fetchall()


def assert_equal(connection: Connection) -> None:
    for table, keys in ROLLUPS.items():
        assert sums(connection, table, keys) == sums(connection, DAILY, keys), table


def write_some(connection: Connection, seed: int = 3) -> None:
    """Three days of a few of everything; some rows indeterminate, some of those replaced."""
    chance = random.Random(seed)  # noqa: S311  the same rows each time
    for _ in range(3):
        finals, orphans = [], []
        for _ in range(40):
            moment = datetime(2026, 10, chance.randint(1, 3), 12, tzinfo=UTC)
            who = {
                "request_id": request_id_at(moment),
                "user_id": f"user-{chance.randrange(3)}",
                "team_id": chance.choice([None, "team-1", "team-2"]),
                "access_token_id": chance.choice([None, 1, 2]),
                "provider_id": chance.choice([1, 2]),
                "model_id": chance.choice([None, 1, 2]),
                "power_level": chance.choice([None, "eco", "precision"]),
                "is_simulated": chance.random() < 0.2,
            }
            if chance.random() < 0.3:
                orphans.append(intent(**who))
            if chance.random() < 0.8:
                finals.append(final(**who, billed_to=chance.choice(["platform", "user"])))
        write_batch(connection, [], orphans)
        write_batch(connection, finals, orphans)
        write_batch(connection, finals, [])


def test_each_copy_holds_the_sums_of_what_the_writer_wrote(connection: Connection) -> None:
    write_some(connection)
    assert len(sums(connection, DAILY, DAILY_KEYS)) > 50
    assert_equal(connection)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE usage_daily SET requests = requests + 5, adjustments_usd = 0.25 WHERE id % 2 = 0",
        "UPDATE usage_daily SET user_key_id = 900 + id, billed_to = 'nobody' WHERE id % 3 = 0",
        "UPDATE usage_daily SET user_key_id = 900 + id, team_id = 'moved', model_id = 9",
        "DELETE FROM usage_daily WHERE id % 2 = 0",
        "TRUNCATE usage_daily",
    ],
)
def test_an_edit_of_usage_daily_by_hand_moves_the_copies(connection: Connection, edit: str) -> None:
    write_some(connection)
    connection.execute(edit.encode())
    assert_equal(connection)


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE usage_daily_by_model",
        "DROP TABLE usage_daily_by_user",
        "DROP FUNCTION switchyard_roll_up CASCADE",
        "DROP TRIGGER switchyard_roll_up_update ON usage_daily",
    ],
)
def test_migrate_fills_what_was_dropped_by_hand(
    connection: Connection, migrated_database_url: str, damage: str
) -> None:
    write_some(connection)
    connection.execute(damage.encode())
    if "TABLE" not in damage:
        connection.execute("UPDATE usage_daily SET requests = requests + 1")
        with pytest.raises(AssertionError):
            assert_equal(connection)
    assert "smaller copies of usage_daily filled" in lines_of(migrated_database_url)
    assert_equal(connection)
    write_some(connection, seed=4)
    assert_equal(connection)


@pytest.mark.parametrize(
    ("columns", "table"),
    [
        ((), "usage_daily_by_model"),
        (("day", "model_id", "power_level"), "usage_daily_by_model"),
        (("team_id", "is_simulated"), "usage_daily_by_model"),
        (("day", "user_id", "access_token_id"), "usage_daily_by_user"),
        (("user_id", "model_id"), "usage_daily"),
        (("user_key_id",), "usage_daily"),
    ],
)
def test_the_smallest_table_that_tells_the_columns_apart_is_read(
    columns: tuple[str, ...], table: str
) -> None:
    assert smallest_with(columns) == table


def test_a_summary_says_the_same_whichever_table_it_reads(
    connection: Connection, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_some(connection)
    asked = [UsageFilters(None), UsageFilters("user-1"), UsageFilters(None, team="team-2", key=1)]
    groups = [list(some) for size in range(3) for some in combinations(GROUPS, size)]

    async def summaries() -> list[Any]:
        async with await psycopg.AsyncConnection.connect(migrated_database_url) as other:
            return [
                [row for row in await read_summary(other, filters, some) if row["requests"]]
                for filters in asked
                for some in groups
            ]

    quick = asyncio.run(summaries())
    monkeypatch.setattr(usage_summary, "smallest_with", lambda columns: DAILY)
    assert quick == asyncio.run(summaries())
    assert all(quick)
