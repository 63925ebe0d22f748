"""Tables that an older system made are taken over with every row in them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from shared.db.tables.every import metadata
from shared.migrate import older_usage
from shared.migrate.steps import VERSION_TABLE, AdoptionRefused, CopyIncomplete, is_current, migrate
from tests.migrations.statements import OLDER_SCHEMA, lines_of, rows, run


@pytest.fixture
def older_url(database_url: str) -> str:
    """The older system's database, in which a time without zone would be read as New York's."""
    run(
        database_url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone ="
        " ''America/New_York''', current_database()); END $$",
    )
    run(database_url, OLDER_SCHEMA)
    return database_url


@pytest.fixture
def adopted_url(older_url: str) -> str:
    migrate(older_url, lambda line: None)
    return older_url


def test_a_second_migration_finds_nothing_to_do(adopted_url: str) -> None:
    assert is_current(adopted_url)
    assert lines_of(adopted_url) == ["nothing to do: the database is up to date"]


def test_nothing_that_the_release_needs_is_missing_or_different(adopted_url: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(adopted_url), poolclass=NullPool
    )
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "version_table": VERSION_TABLE,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, metadata)
    # What the older tables have beyond ours stays; alembic would remove it.
    assert [one for one in found if not str(one[0]).startswith("remove_")] == []


def test_ids_names_and_settings_of_the_older_rows_are_kept(adopted_url: str) -> None:
    assert rows(
        adopted_url, "SELECT id, provider_name, provider_slug FROM llm_providers ORDER BY id"
    ) == [(3, "Anthropic", "anthropic"), (9, "House", "house")]
    assert rows(adopted_url, "SELECT id, provider_id, model_id FROM llm_models ORDER BY id") == [
        (5, 3, "claude-old-1"),
        (6, 9, "house-model"),
    ]
    assert rows(adopted_url, "SELECT model_id, power_level, user_tier FROM llm_routing_rules") == [
        (5, "precision", "all")
    ]
    assert rows(
        adopted_url, "SELECT user_id, encrypted_api_key, created_ip FROM user_api_keys"
    ) == [("ada", "gAAAAA-sealed", "192.0.2.7")]


def test_a_known_provider_learns_how_it_is_spoken_to_and_keeps_what_it_had(
    adopted_url: str,
) -> None:
    assert rows(
        adopted_url,
        "SELECT provider_slug, base_url, dialect, auth_type FROM llm_providers ORDER BY id",
    ) == [
        ("anthropic", "https://api.anthropic.com/v1", "anthropic", "x-api-key"),
        ("house", "http://10.0.0.9:8000/v1", "openai", "bearer"),
    ]


@pytest.mark.parametrize(
    ("statement", "next_id"),
    [
        pytest.param(
            "INSERT INTO llm_providers (provider_name, provider_slug, base_url)"
            " VALUES ('New', 'new', '') RETURNING id",
            10,
            id="providers",
        ),
        pytest.param(
            "INSERT INTO llm_models (provider_id, model_name, model_id)"
            " VALUES (3, 'new', 'new') RETURNING id",
            7,
            id="models",
        ),
        pytest.param(
            "INSERT INTO llm_usage_logs (request_id, user_id, created_at)"
            " VALUES ('new', 'ada', now()) RETURNING id",
            201,
            id="the usage log",
        ),
    ],
)
def test_new_ids_go_on_after_the_older_ones(adopted_url: str, statement: str, next_id: int) -> None:
    assert rows(adopted_url, statement) == [(next_id,)]


def test_a_time_without_zone_was_utc_wherever_the_server_stands(adopted_url: str) -> None:
    assert rows(adopted_url, "SELECT health_last_checked FROM llm_providers WHERE id = 3") == [
        (datetime(2025, 10, 23, 10, 15, tzinfo=UTC),)
    ]
    assert rows(adopted_url, "SELECT created_at FROM llm_usage_logs WHERE id = 1") == [
        (datetime(2025, 10, 1, 0, 30, tzinfo=UTC),)
    ]


def test_money_is_widened_and_its_amounts_are_the_same(adopted_url: str) -> None:
    assert rows(adopted_url, "SELECT total_cost_usd FROM user_api_keys") == [(Decimal("1.234567"),)]
    run(adopted_url, "UPDATE user_api_keys SET total_cost_usd = 123456789.000000000001")
    assert rows(adopted_url, "SELECT total_cost_usd FROM user_api_keys") == [
        (Decimal("123456789.000000000001"),)
    ]


def test_an_older_price_becomes_a_first_version_and_an_absent_one_none(adopted_url: str) -> None:
    assert rows(adopted_url, "SELECT model_id, version, prices FROM model_prices") == [
        (
            5,
            1,
            {
                "tiers": [
                    {
                        "start_tokens": 0,
                        "input": "3",
                        "output": "15",
                        "cached": None,
                        "cache_write": None,
                    }
                ]
            },
        )
    ]


def usage_facts(dsn: str) -> list[tuple[Any, ...]]:
    return rows(
        dsn,
        "SELECT count(*), count(DISTINCT (request_id, created_at)), min(id), max(id),"
        " sum(prompt_tokens), sum(cost_total_usd), count(*) FILTER (WHERE was_fallback),"
        " count(*) FILTER (WHERE request_id LIKE 'legacy-%') FROM llm_usage_logs",
    )


ALL_USAGE = [(200, 200, 1, 200, 20_100, Decimal("0.0201"), 100, 39)]


def test_every_usage_row_is_in_the_partition_of_its_month(adopted_url: str) -> None:
    assert usage_facts(adopted_url) == ALL_USAGE
    assert rows(
        adopted_url,
        "SELECT tableoid::regclass::text, count(*) FROM llm_usage_logs GROUP BY 1",
    ) == [("llm_usage_partitions.llm_usage_logs_2025_10", 200)]
    # 20 rows had no request_id, 20 shared one: its first keeps it.
    assert rows(adopted_url, "SELECT id FROM llm_usage_logs WHERE request_id = 'said-twice'") == [
        (1,)
    ]


def test_the_daily_sums_hold_the_older_usage_by_utc_day(adopted_url: str) -> None:
    assert rows(
        adopted_url,
        "SELECT sum(requests), sum(prompt_tokens), sum(cost_total_usd), min(day) FROM usage_daily",
    ) == [(200, 20_100, Decimal("0.0201"), date(2025, 10, 1))]


def test_a_copy_that_was_killed_is_finished_by_the_next_and_counts_nothing_twice(
    older_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_batch = older_usage._copy_batch

    def killed_after_one(connection: psycopg.Connection[Any], after: int, size: int) -> int:
        if after:
            raise KeyboardInterrupt
        return copy_batch(connection, after, 70)

    with monkeypatch.context() as patch:
        patch.setattr(older_usage, "_copy_batch", killed_after_one)
        with pytest.raises(KeyboardInterrupt):
            migrate(older_url, lambda line: None)
    assert rows(older_url, "SELECT count(*) FROM llm_usage_logs") == [(70,)]
    assert not is_current(older_url)
    assert "200 usage rows copied from the older table" in lines_of(older_url)
    assert usage_facts(older_url) == ALL_USAGE
    assert rows(older_url, "SELECT sum(requests) FROM usage_daily") == [(200,)]


def test_an_older_log_is_kept_while_a_row_of_it_is_not_in_the_new_one(
    older_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_batch = older_usage._copy_batch

    def loses_a_row(connection: psycopg.Connection[Any], after: int, size: int) -> int:
        reached = copy_batch(connection, after, size)
        connection.execute("DELETE FROM llm_usage_logs WHERE id = 17")
        return reached

    monkeypatch.setattr(older_usage, "_copy_batch", loses_a_row)
    with pytest.raises(CopyIncomplete, match="199 of 200"):
        migrate(older_url, lambda line: None)
    monkeypatch.undo()
    assert "200 usage rows copied from the older table" in lines_of(older_url)
    assert usage_facts(older_url) == ALL_USAGE


def test_rows_that_ours_may_not_hold_twice_refuse_the_adoption_and_nothing_is_changed(
    older_url: str,
) -> None:
    run(
        older_url,
        "ALTER TABLE user_api_keys DROP CONSTRAINT user_api_keys_user_id_provider_id_key;"
        " INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)"
        " VALUES ('ada', 3, 'again')",
    )
    with pytest.raises(AdoptionRefused, match="user_api_keys"):
        migrate(older_url, lambda line: None)
    assert rows(older_url, "SELECT to_regclass('versions'), count(*) FROM llm_usage_logs") == [
        (None, 200)
    ]
    assert rows(
        older_url,
        "SELECT data_type FROM information_schema.columns"
        " WHERE table_name = 'llm_models' AND column_name = 'created_at'",
    ) == [("timestamp without time zone",)]


def test_one_of_the_older_tables_alone_is_adopted(
    database_url: str,
) -> None:
    run(database_url, OLDER_SCHEMA)
    run(database_url, "DROP TABLE llm_usage_logs, llm_routing_rules, user_api_keys, llm_models")
    migrate(database_url, lambda line: None)
    assert rows(database_url, "SELECT id FROM llm_providers ORDER BY id") == [(3,), (9,)]
    # Of the seeded models only Anthropic's has a provider here.
    assert rows(database_url, "SELECT provider_id FROM llm_models") == [(3,)]
