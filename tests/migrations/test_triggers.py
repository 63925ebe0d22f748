"""What moves a version and what must not; the audit trail only grows."""

from __future__ import annotations

import psycopg
import pytest

from tests.migrations.statements import rows, run

TOPICS = ("catalogue", "tokens", "keys", "limits")

HOLDINGS = """
INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) VALUES ('ada', 1, 'sealed');
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, tier, role)
VALUES ('\\x00', 'sy_', '0000', 'laptop', 'ada', 'free', 'user');
INSERT INTO limits (scope, subject) VALUES ('user', 'ada');
INSERT INTO audit_events (actor, action, target_type) VALUES ('admin', 'key.created', 'key');
"""


@pytest.fixture
def held_url(migrated_database_url: str) -> str:
    run(migrated_database_url, HOLDINGS)
    return migrated_database_url


def moved(dsn: str, statement: str) -> set[str]:
    """Which versions `statement` moves."""
    query = f"SELECT {', '.join(TOPICS)} FROM versions"
    [before] = rows(dsn, query)
    run(dsn, statement)
    [after] = rows(dsn, query)
    return {topic for topic, old, new in zip(TOPICS, before, after, strict=True) if new > old}


@pytest.mark.parametrize(
    ("statement", "topic"),
    [
        ("UPDATE llm_providers SET is_active = false", "catalogue"),
        ("UPDATE llm_providers SET health_status = 'down'", "catalogue"),
        ("UPDATE llm_models SET power_level_priority = 3", "catalogue"),
        (
            "INSERT INTO llm_models (provider_id, model_name, model_id) VALUES (1, 'm', 'm')",
            "catalogue",
        ),
        ("DELETE FROM llm_models WHERE id = 4", "catalogue"),
        ("UPDATE llm_routing_rules SET weight = 1", "catalogue"),
        ("TRUNCATE llm_routing_rules", "catalogue"),
        ("UPDATE power_levels SET price_ceiling_usd_per_mtok = 1", "catalogue"),
        ("UPDATE model_prices SET prices = '{}'", "catalogue"),
        ("UPDATE access_tokens SET revoked_at = now()", "tokens"),
        ("UPDATE access_tokens SET tier = 'enterprise'", "tokens"),
        ("DELETE FROM access_tokens", "tokens"),
        ("UPDATE user_api_keys SET is_active = false", "keys"),
        ("DELETE FROM user_api_keys", "keys"),
        ("UPDATE limits SET budget_day_usd = 5", "limits"),
    ],
    ids=lambda value: value if len(value) > 10 else "",
)
def test_an_edit_moves_the_version_of_its_subject_alone(
    held_url: str, statement: str, topic: str
) -> None:
    assert moved(held_url, statement) == {topic}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_tokens SET last_used_at = now()",
        "UPDATE user_api_keys SET total_requests = total_requests + 1, total_tokens = 9,"
        " total_cost_usd = 0.01, last_used_at = now()",
        "UPDATE llm_models SET avg_latency_ms = 9, avg_tokens_per_second = 80",
        "INSERT INTO llm_usage_logs (request_id, user_id, created_at) VALUES ('a', 'b', now())",
    ],
)
def test_what_is_counted_while_serving_moves_nothing(held_url: str, statement: str) -> None:
    assert moved(held_url, statement) == set()


def test_a_version_row_that_was_deleted_comes_back_with_the_next_edit(held_url: str) -> None:
    run(held_url, "DELETE FROM versions")
    run(held_url, "UPDATE llm_models SET is_active = false")
    assert rows(held_url, "SELECT id, catalogue FROM versions") == [(1, 2)]


def test_an_edit_that_is_rolled_back_moves_nothing(held_url: str) -> None:
    before = rows(held_url, "SELECT * FROM versions")
    with psycopg.connect(held_url) as connection:
        connection.execute("DELETE FROM access_tokens")
        connection.rollback()
    assert rows(held_url, "SELECT * FROM versions") == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
    ],
)
def test_the_audit_trail_refuses_to_be_changed(held_url: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        run(held_url, statement)
    assert rows(held_url, "SELECT count(*) FROM audit_events") == [(1,)]
