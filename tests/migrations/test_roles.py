"""What the database's own roles may, whatever the code would like to."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from shared.db.tables.every import metadata
from shared.migrate.roles import make_roles
from tests.migrations.statements import lines_of, rows, run


def as_role(url: str, role: str, statement: str) -> None:
    """Runs the statement as a member of the role would, and takes it back."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        connection.execute(statement.encode())
        connection.rollback()


@pytest.mark.parametrize("role", ["switchyard_app", "switchyard_chat"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DROP TABLE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    ],
)
def test_the_audit_trail_can_be_added_to_and_nothing_else(
    migrated_database_url: str, role: str, statement: str
) -> None:
    insert = "INSERT INTO audit_events (actor, action, target_type) VALUES ('a', 'b.c', 'd')"
    as_role(migrated_database_url, role, insert)
    as_role(migrated_database_url, role, "SELECT * FROM audit_events")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(migrated_database_url, role, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) VALUES ('a', 1, 'x')",
        "UPDATE user_api_keys SET encrypted_api_key = 'x'",
        "UPDATE access_tokens SET role = 'admin'",
        "UPDATE llm_providers SET base_url = 'http://evil.example'",
        "INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, tier,"
        " role) VALUES ('x', '', '', '', '', 'free', 'admin')",
    ],
)
def test_chat_alone_may_not_give_itself_keys_tokens_or_another_provider(
    migrated_database_url: str, statement: str
) -> None:
    as_role(migrated_database_url, "switchyard_app", statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(migrated_database_url, "switchyard_chat", statement)


def test_chat_may_note_what_became_of_a_key(migrated_database_url: str) -> None:
    as_role(
        migrated_database_url,
        "switchyard_chat",
        "UPDATE user_api_keys SET status = 'invalid', is_validated = false, validation_error = '',"
        " last_validated_at = now(), updated_at = now() WHERE id = 1 AND encrypted_api_key = 'x'",
    )


def test_every_table_is_granted_and_one_that_was_remade_again(migrated_database_url: str) -> None:
    run(migrated_database_url, "DROP TABLE usage_quarantine")
    lines_of(migrated_database_url)
    lacking = rows(
        migrated_database_url,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace ="
        " 'public'::regnamespace AND relname <> 'switchyard_alembic_version'"
        " AND NOT has_table_privilege('switchyard_app', oid, 'INSERT')",
    )
    assert lacking == []
    assert len(metadata.tables) > 10


def test_a_right_to_change_the_trail_that_someone_granted_is_taken_back(
    migrated_database_url: str,
) -> None:
    run(migrated_database_url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO switchyard_app")
    lines_of(migrated_database_url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(migrated_database_url, "switchyard_app", "DELETE FROM audit_events")


def test_who_may_not_create_roles_is_told_and_migrates_all_the_same(
    migrated_database_url: str,
) -> None:
    lines: list[str] = []
    with psycopg.connect(migrated_database_url) as connection:
        # In a transaction that is taken back: roles belong to the whole server.
        for role in ("switchyard_app", "switchyard_chat"):
            name = sql.Identifier(role)
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(
                sql.SQL("ALTER ROLE {} RENAME TO {}").format(name, sql.Identifier(f"{role}_away"))
            )
        connection.execute("CREATE ROLE no_creator NOLOGIN")
        connection.execute("SET LOCAL ROLE no_creator")
        make_roles(connection, lines.append)
        connection.rollback()
    assert [line.partition(" (")[0] for line in lines] == [
        "role switchyard_app not created: this user may not create roles",
        "role switchyard_chat not created: this user may not create roles",
    ]


@pytest.mark.parametrize(
    ("column", "word"),
    [("status", "valid"), ("use_policy", "never"), ("platform_fallback", "true")],
)
def test_the_table_refuses_a_word_that_no_process_knows(
    migrated_database_url: str, column: str, word: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        run(
            migrated_database_url,
            f"INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, {column})"
            f" VALUES ('a', 1, 'x', '{word}')",
        )
