from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.cli.main import switchyard
from shared.ledger.rows import write_batch
from tests.fakes.usage_records import final, request_id_at

pytestmark = pytest.mark.usefixtures("data_dir", "database")


@pytest.fixture
def database(data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        row = final(request_id=request_id_at(datetime.now(UTC)), user_id="busy")
        write_batch(connection, [row], [])
    run("token", "create", "--user", "ada", "--tier", "professional")
    return migrated_database_url


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, words)


def told(*words: str) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_whoever_has_a_token_or_usage_is_listed_the_dearest_first() -> None:
    busy, ada = told("user", "list")
    assert (busy["user_id"], busy["requests"], busy["tokens"]) == ("busy", 1, 0)
    assert busy["cost_usd"] == pytest.approx(final().cost_total_pico_usd / 1e12)
    assert (ada["user_id"], ada["tiers"], ada["tokens"]) == ("ada", ["professional"], 1)
    assert [line.split()[0] for line in run("user", "list").stdout.splitlines()] == [
        "user",
        "busy",
        "ada",
    ]


def test_one_is_shown_and_a_revoked_token_is_none_of_theirs() -> None:
    assert run("token", "revoke", "1").exit_code == 0
    assert told("user", "show", "ada")["tokens"] == 0
    assert "valid tokens" in run("user", "show", "ada").stdout


def test_a_stranger_is_said_to_be_unknown() -> None:
    done = run("user", "show", "nobody")
    assert (done.exit_code, done.stderr) == (1, "switchyard: There is no user 'nobody'.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_script(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_SWITCHYARD_COMPLETE={shell}_complete" in done.stdout
