"""While a release is rolled out, the one before it serves on the new schema, and must not notice.

What it sends is recorded in tests/recorded/queries (migrations/README.md says when).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory

from shared.db.session import SESSION
from shared.migrate.steps import alembic_config
from tests.fakes.place import NewPlace
from tests.migrations import recorded
from tests.migrations.replay import complaints

ROOT = Path(__file__).parents[2]
RELEASE = tomllib.loads((recorded.FOLDER / recorded.RELEASE).read_text("utf-8"))
PREVIOUS = recorded.read()

# What a migration could do to the release before it, and a word of what is said of it.
BREAKS = {
    "a column that is read is dropped": (
        "user_api_keys",
        "ALTER TABLE user_api_keys DROP COLUMN use_policy",
        "user_keys.py: serving_keys: column k.use_policy does not exist",
    ),
    "a column that only SELECT * names is dropped": (
        "llm_routing_rules",
        "ALTER TABLE llm_routing_rules DROP COLUMN fallback_order",
        'read_catalogue.py: _rows: column "fallback_order" is not given any more',
    ),
    "a column is renamed": (
        "access_tokens",
        "ALTER TABLE access_tokens RENAME COLUMN revoked_at TO ended_at",
        'access_tokens.py: find_access_token: column "revoked_at" does not exist',
    ),
    "a column is added that an INSERT does not know and that has no default": (
        "llm_usage_logs",
        "ALTER TABLE llm_usage_logs ADD COLUMN region text NOT NULL",
        'usage_rows.py: write_batch: null value in column "region"',
    ),
    "a column that was left empty must be filled": (
        "user_api_keys",
        "ALTER TABLE user_api_keys ALTER COLUMN key_name SET NOT NULL",
        'user_keys.py: store_key: null value in column "key_name"',
    ),
    "a word that is written is refused": (
        "provider_health_checks",
        "ALTER TABLE provider_health_checks"
        " ADD CHECK (outcome IN ('answered', 'failed')) NOT VALID",
        "health_checks.py: write_verdicts: new row for relation",
    ),
    "the unique index goes that an ON CONFLICT needs": (
        "usage_daily",
        "DROP INDEX uq_usage_daily_key",
        "usage_rows.py: write_batch: there is no unique or exclusion constraint",
    ),
    "a table is dropped": (
        "usage_outbox",
        "DROP TABLE usage_outbox",
        'usage_outbox.py: claim: relation "usage_outbox" does not exist',
    ),
    "a table is renamed": (
        "known_models",
        "ALTER TABLE known_models RENAME TO models_known",
        'known_models.py: _read: relation "known_models" does not exist',
    ),
    "a column becomes of another type": (
        "llm_usage_logs",
        "ALTER TABLE llm_usage_logs ALTER COLUMN model_id TYPE text",
        "usage_rows.py: write_batch: column",
    ),
    "a column that is only read becomes of another type": (
        "power_levels",
        "ALTER TABLE power_levels ALTER COLUMN ttft_target_ms TYPE text",
        'read_catalogue.py: _rows: column "ttft_target_ms" is given as text, not as integer',
    ),
}


@pytest.fixture(scope="module")
def database(new_place: NewPlace) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(new_place("previous").database_url, **SESSION) as connection:
        yield connection


@pytest.fixture
def migrated(database: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """In a transaction of which nothing stays."""
    with database.transaction(force_rollback=True):
        yield database


def test_what_the_previous_release_sends_is_served_by_the_new_schema(
    migrated: psycopg.Connection[Any],
) -> None:
    assert complaints(migrated, PREVIOUS) == []


@pytest.mark.parametrize("change", BREAKS)
def test_what_would_break_the_previous_release_is_reported(
    migrated: psycopg.Connection[Any], change: str
) -> None:
    table, statement, said = BREAKS[change]
    about = [one for one in PREVIOUS if table in one.sql or "usage_staging" in one.sql]
    assert complaints(migrated, about) == []
    # It names columns; `migrate` makes it again.
    migrated.execute(f"DROP TRIGGER IF EXISTS switchyard_watch ON {table}".encode())
    migrated.execute(statement.encode())
    assert [line for line in complaints(migrated, about) if said in line]


def test_the_recording_is_of_the_newest_release_and_of_a_schema_that_head_comes_from() -> None:
    released = re.findall(r"(?m)^## \[?(\d\S*?)\]? ", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    in_the_making = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert RELEASE["version"] == next(iter(released), in_the_making["version"])
    revisions = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    assert RELEASE["migration"] in {revision.revision for revision in revisions}


def test_no_value_is_recorded_but_words_that_the_code_itself_says() -> None:
    values = {value for one in PREVIOUS for row in one.sends for value in row}
    words = {value for value in values if value.startswith("'")}
    assert values - words == {"null", "?"}
    assert [word for word in words if not re.fullmatch(r"'[a-z][a-z0-9_.-]{0,39}'", word)] == []
