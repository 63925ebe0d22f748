"""Each SQL statement of the deployment guide runs as it is printed there."""

from __future__ import annotations

from shared.wire.providers import SEEDS
from tests.migrations.statements import rows


def test_the_tables_listed_are_those_of_the_guide(migrated_database_url: str) -> None:
    assert rows(
        migrated_database_url,
        """
        SELECT tablename
        FROM pg_tables
        WHERE schemaname = 'public' AND tablename LIKE 'llm_%'
        ORDER BY tablename;
        """,
    ) == [("llm_models",), ("llm_providers",), ("llm_routing_rules",), ("llm_usage_logs",)]
    # What psql's `\dt llm_*` asks: the partitions must not be in it either.
    assert rows(
        migrated_database_url,
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relname ~ '^llm_'"
        " AND pg_table_is_visible(oid)",
    ) == [(4,)]


def test_the_health_of_each_provider_is_listed(migrated_database_url: str) -> None:
    listed = rows(
        migrated_database_url,
        """
        SELECT
            provider_name,
            health_status,
            health_response_time_ms,
            is_active,
            to_char(health_last_checked, 'YYYY-MM-DD HH24:MI:SS') as last_checked
        FROM llm_providers
        ORDER BY provider_name;
        """,
    )
    assert len(listed) == len(SEEDS)
    assert {row[1:] for row in listed} == {("unknown", None, True, None)}


def test_providers_are_ordered_by_their_last_check(migrated_database_url: str) -> None:
    assert len(
        rows(
            migrated_database_url,
            """
                SELECT provider_name, health_status, health_response_time_ms
                FROM llm_providers
                ORDER BY health_last_checked DESC;
                """,
        )
    ) == len(SEEDS)


def test_the_usage_of_the_last_hour_is_summed(migrated_database_url: str) -> None:
    assert rows(
        migrated_database_url,
        """
        SELECT COUNT(*), SUM(total_tokens), SUM(cost_total_usd)
        FROM llm_usage_logs
        WHERE created_at > NOW() - INTERVAL '1 hour';
        """,
    ) == [(0, None, None)]
