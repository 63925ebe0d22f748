from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.cli.main import switchyard

pytestmark = pytest.mark.usefixtures("data_dir", "database")


@pytest.fixture
def database(data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    return migrated_database_url


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, words)


def told(*words: str) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_provider_is_added_and_switched_and_each_change_is_audited(database: str) -> None:
    words = ("--url", "http://127.0.0.1:11434/v1", "--local", "--auth", "none")
    added = told("provider", "add", "ollama", *words)
    assert (added["base_url"], added["is_local"]) == ("http://127.0.0.1:11434/v1", True)
    assert told("provider", "off", "ollama")["is_active"] is False
    assert told("provider", "on", "ollama")["is_active"] is True
    with psycopg.connect(database) as connection:
        audit = connection.execute("SELECT actor, action FROM audit_events ORDER BY id").fetchall()
    assert audit == [
        ("switchyard provider add", "provider.created"),
        ("switchyard provider off", "provider.changed"),
        ("switchyard provider on", "provider.changed"),
    ]


def test_the_seven_providers_are_listed_whole_in_a_pipe() -> None:
    rows = told("provider", "list")
    lines = run("provider", "list").stdout.splitlines()
    assert len(lines) == 1 + len(rows) == 8
    for row in rows:
        assert any(row["base_url"] in line.split() for line in lines)


def test_a_private_address_is_refused_unless_it_is_said_to_be_local() -> None:
    done = run("provider", "add", "x", "--url", "http://127.0.0.1:1/v1")
    assert done.exit_code == 1
    assert "'base_url' is refused" in done.stderr


def test_a_rule_is_added_listed_and_removed() -> None:
    rule = told("rule", "add", "eco", "openai/gpt-6.1-terra", "--tier", "free", "--task", "chat")
    assert (rule["provider"], rule["power_level"], rule["task_type"]) == ("openai", "eco", "chat")
    assert rule["id"] in [row["id"] for row in told("rule", "list", "--level", "eco")]
    assert run("rule", "remove", str(rule["id"])).exit_code == 0
    assert rule["id"] not in [row["id"] for row in told("rule", "list")]
    again = run("rule", "remove", str(rule["id"]))
    assert (again.exit_code, again.stderr) == (
        1,
        f"switchyard: There is no routing rule {rule['id']}.\n",
    )


def test_a_fallback_stands_behind_the_others() -> None:
    rule = told("rule", "add", "eco", "openai/gpt-6.1-terra", "--fallback", "2")
    assert (rule["is_fallback"], rule["fallback_order"]) == (True, 2)
    assert "fallback 2" in run("rule", "list").stdout


def test_a_rule_for_a_model_that_is_not_listed_says_so() -> None:
    done = run("rule", "add", "eco", "nope")
    assert done.exit_code == 1
    assert "The model 'nope' is not listed" in done.stderr


def test_an_alias_is_added_listed_and_removed() -> None:
    targets = ("openai/gpt-6.1-terra=9", "google/gemini-3.8-flash=1")
    assert told("alias", "add", "chat", *targets)["name"] == "chat"
    assert run("alias", "add", "claude-*", "anthropic/claude-*").exit_code == 0
    listed = [line.split(maxsplit=1) for line in run("alias", "list").stdout.splitlines()[1:]]
    assert [name for name, _ in listed] == ["chat", "claude-*"]
    assert "openai/gpt-6.1-terra (90%), google/gemini-3.8-flash (10%)" in listed[0][1]
    assert run("alias", "remove", "chat").exit_code == 0
    assert [row["name"] for row in told("alias", "list")] == ["claude-*"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("eco", "balanced"), "'eco' is a power level, so it cannot be an alias."),
        (("a", "openai/x=many"), "'openai/x=many' has no weight behind its =; use model=9"),
    ],
)
def test_an_alias_that_cannot_hold_is_said_in_one_line(words: tuple[str, ...], said: str) -> None:
    done = run("alias", "add", *words)
    assert (done.exit_code, done.stderr) == (1, f"switchyard: {said}\n")
