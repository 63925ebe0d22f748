"""What `migrate` makes of an empty database, and what it leaves alone afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from shared.db.tables.every import metadata
from shared.migrate import steps as migrating
from shared.migrate.steps import (
    VERSION_TABLE,
    MigrationRefused,
    is_current,
    migrate,
    missing_tables,
)
from shared.wire.providers import SEEDS
from tests.migrations.statements import lines_of, rows, run


def schema_dump(dsn: str) -> list[tuple[Any, ...]]:
    return rows(
        dsn,
        "SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable"
        " FROM information_schema.columns WHERE table_schema NOT IN"
        " ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3",
    ) + rows(
        dsn,
        "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname"
        " NOT IN ('pg_catalog') ORDER BY 1, 2",
    )


def test_an_empty_database_gets_every_table_the_providers_four_models_three_rules(
    database_url: str,
) -> None:
    lines = lines_of(database_url)
    assert f"{len(SEEDS)} providers seeded" in lines
    assert "4 models seeded" in lines
    assert "3 routing rules seeded" in lines
    assert missing_tables(database_url) == []
    assert is_current(database_url)
    assert rows(
        database_url,
        "SELECT r.power_level, r.user_tier, m.model_id, p.provider_name, r.priority, r.weight"
        " FROM llm_routing_rules r JOIN llm_models m ON m.id = r.model_id"
        " JOIN llm_providers p ON p.id = m.provider_id ORDER BY r.id",
    ) == [
        ("eco", "free", "openai/gpt-oss-20b", "Groq", 100, 100),
        ("balanced", "professional", "gpt-6.1-terra", "OpenAI", 100, 100),
        ("precision", "professional", "claude-opus-5-5", "Anthropic", 100, 100),
    ]


def test_a_second_run_changes_nothing_and_says_so(migrated_database_url: str) -> None:
    before = schema_dump(migrated_database_url)
    versions = rows(migrated_database_url, "SELECT * FROM versions")
    assert lines_of(migrated_database_url) == [
        "nothing to do: the database is as this release needs it"
    ]
    assert schema_dump(migrated_database_url) == before
    assert rows(migrated_database_url, "SELECT * FROM versions") == versions


def test_a_database_that_was_never_migrated_is_not_current(database_url: str) -> None:
    assert not is_current(database_url)
    assert set(missing_tables(database_url)) == set(metadata.tables)


def test_the_tables_in_code_are_the_tables_the_migrations_make(migrated_database_url: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(migrated_database_url),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "version_table": VERSION_TABLE,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_five_tables_have_fifteen_indexes_or_more(migrated_database_url: str) -> None:
    [(count,)] = rows(
        migrated_database_url,
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename IN"
        " ('llm_providers', 'llm_models', 'user_api_keys', 'llm_routing_rules', 'llm_usage_logs')",
    )
    assert count >= 15


def test_every_time_has_a_zone_and_money_is_exact_to_a_pico_dollar(
    migrated_database_url: str,
) -> None:
    assert (
        rows(
            migrated_database_url,
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
            " 'public' AND (data_type = 'timestamp without time zone' OR (column_name ~"
            " '(usd|cost_)' AND column_name !~ 'cost_quality' AND numeric_scale <> 12))",
        )
        == []
    )


def test_a_table_of_something_else_under_one_of_our_names_is_refused(database_url: str) -> None:
    run(database_url, "CREATE TABLE limits (id int)")
    with pytest.raises(MigrationRefused, match="limits"):
        migrate(database_url, print)
    assert rows(database_url, "SELECT to_regclass('llm_providers')") == [(None,)]


def test_a_database_that_is_not_utf8_is_refused_and_left_empty(ascii_database_url: str) -> None:
    with pytest.raises(MigrationRefused, match="encoding is SQL_ASCII"):
        migrate(ascii_database_url, print)
    assert rows(ascii_database_url, "SELECT to_regclass('llm_providers')") == [(None,)]


def test_a_server_that_is_too_old_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_OLDEST", 99)
    with pytest.raises(MigrationRefused, match=r"PostgreSQL \d+: use 99 or newer"):
        migrate(database_url, print)


def test_the_lock_is_of_a_transaction_which_a_pooler_ends_with_its_client(
    database_url: str,
) -> None:
    held: set[tuple[Any, ...]] = set()

    def look(_: str) -> None:
        held.update(
            rows(
                database_url,
                "SELECT state FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE granted"
                " AND locktype = 'advisory' AND datname = current_database()",
            )
        )

    migrate(database_url, look)
    assert held == {("idle in transaction",)}


def test_another_systems_alembic_version_is_left_alone(database_url: str) -> None:
    run(database_url, "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    run(database_url, "INSERT INTO alembic_version VALUES ('theirs')")
    migrate(database_url, lambda line: None)
    assert rows(database_url, "SELECT * FROM alembic_version") == [("theirs",)]


def test_an_index_the_code_forgot_would_be_noticed(migrated_database_url: str) -> None:
    run(migrated_database_url, "DROP INDEX ix_llm_models_model_id")
    with pytest.raises(AssertionError):
        test_the_tables_in_code_are_the_tables_the_migrations_make(migrated_database_url)


def test_two_migrations_at_once_leave_one_database_and_the_later_finds_nothing_to_do(
    database_url: str,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lines_of, [database_url, database_url]), key=len)
    assert said[0] == ["nothing to do: the database is as this release needs it"]
    assert f"{len(SEEDS)} providers seeded" in said[1]
    assert rows(database_url, "SELECT count(*) FROM llm_models") == [(4,)]


def test_a_migration_that_cannot_have_a_lock_fails_soon_and_can_be_run_again(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.migrate.steps._WAIT_FOR_A_LOCK", "100ms")
    run(migrated_database_url, "DROP TRIGGER switchyard_watch ON llm_models")
    with psycopg.connect(migrated_database_url) as serving:
        serving.execute(
            "INSERT INTO llm_models (provider_id, model_name, model_id) VALUES (1, 'm', 'm')"
        )
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate(migrated_database_url, lambda line: None)
        serving.commit()
    assert "1 triggers made" in lines_of(migrated_database_url)
