"""What was dropped by hand is made again, as the deployment guide promises."""

from __future__ import annotations

import pytest

from shared.db.tables.every import metadata
from shared.migrate.steps import is_current, missing_tables
from shared.wire.providers import SEEDS
from tests.migrations.statements import lines_of, rows, run

FOREIGN_KEYS = "SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
TRIGGERS = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'switchyard%'"

# From the deployment guide, section "Tables already exist".
DROP_THE_FIVE = """
DROP TABLE IF EXISTS llm_usage_logs CASCADE;
DROP TABLE IF EXISTS llm_routing_rules CASCADE;
DROP TABLE IF EXISTS user_api_keys CASCADE;
DROP TABLE IF EXISTS llm_models CASCADE;
DROP TABLE IF EXISTS llm_providers CASCADE;
"""


def test_the_five_tables_dropped_as_the_guide_says_are_there_again_and_seeded(
    migrated_database_url: str,
) -> None:
    run(migrated_database_url, DROP_THE_FIVE)
    assert not is_current(migrated_database_url)
    lines = lines_of(migrated_database_url)
    providers = f"{len(SEEDS)} providers seeded"
    assert {providers, "4 models seeded", "3 routing rules seeded"} <= set(lines)
    assert is_current(migrated_database_url)
    run(
        migrated_database_url,
        "INSERT INTO llm_usage_logs (request_id, user_id, created_at) VALUES ('a', 'b', now())",
    )


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_any_one_table_dropped_is_there_again_with_its_keys_and_triggers(
    migrated_database_url: str, table: str
) -> None:
    keys = rows(migrated_database_url, FOREIGN_KEYS)
    triggers = sorted(rows(migrated_database_url, TRIGGERS))
    run(migrated_database_url, f"DROP TABLE {table} CASCADE")
    assert missing_tables(migrated_database_url) == [table]
    lines_of(migrated_database_url)
    assert missing_tables(migrated_database_url) == []
    assert rows(migrated_database_url, FOREIGN_KEYS) == keys
    assert sorted(rows(migrated_database_url, TRIGGERS)) == triggers
    assert lines_of(migrated_database_url) == ["nothing to do: the database is up to date"]


def test_rules_and_prices_of_dropped_models_do_not_come_to_mean_others(
    migrated_database_url: str,
) -> None:
    run(migrated_database_url, "UPDATE llm_routing_rules SET priority = 7")
    run(migrated_database_url, "DROP TABLE llm_models CASCADE")
    lines_of(migrated_database_url)
    assert rows(migrated_database_url, "SELECT DISTINCT priority FROM llm_routing_rules") == [
        (100,)
    ]
    assert rows(
        migrated_database_url, "SELECT count(*), count(DISTINCT model_id) FROM model_prices"
    ) == [(4, 4)]


def test_keys_of_dropped_providers_stay_and_are_reported_where_theirs_is_gone(
    migrated_database_url: str,
) -> None:
    run(
        migrated_database_url,
        "INSERT INTO llm_providers (id, provider_name, provider_slug, base_url)"
        " VALUES (99, 'House', 'house', '');"
        " INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key)"
        " VALUES ('ada', 99, 'sealed')",
    )
    run(migrated_database_url, "DROP TABLE llm_providers CASCADE")
    lines = lines_of(migrated_database_url)
    assert [
        line
        for line in lines
        if line.startswith("user_api_keys has rows without a matching llm_providers")
    ]
    assert rows(migrated_database_url, "SELECT user_id FROM user_api_keys") == [("ada",)]
