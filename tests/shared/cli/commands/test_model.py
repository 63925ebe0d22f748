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
    return CliRunner().invoke(switchyard, ["model", *words])


def told(*words: str) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_models_that_come_with_an_installation_are_listed_with_their_prices() -> None:
    rows = told("list")
    assert {row["provider"] for row in rows} == {"openai", "anthropic", "google", "groq"}
    assert all(row["price"] is not None for row in rows)
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["model", "level", "USD", "in", "USD", "out", "context", "state"]
    assert len(lines) == 1 + len(rows)


def test_only_those_asked_for_are_listed() -> None:
    assert [row["provider"] for row in told("list", "--provider", "groq")] == ["groq"]
    assert {row["power_level"] for row in told("list", "--level", "eco")} == {"eco"}
    off = told("list", "--provider", "groq")[0]["model_id"]
    run("off", off)
    assert told("list", "--provider", "groq") == []
    assert [row["model_id"] for row in told("list", "--provider", "groq", "--all")] == [off]


def test_a_model_is_added_with_its_price_and_shown(database: str) -> None:
    words = ("--input", "0.15", "--output", "0.60", "--level", "eco", "--context", "128000")
    added = told("add", "openai/gpt-4o-mini", *words, "--tools")
    assert (added["model_id"], added["power_level"]) == ("gpt-4o-mini", "eco")
    assert added["supports_function_calling"] is True
    assert added["price"]["prices"]["tiers"][0]["input"] == "0.15"
    text = run("show", "openai/gpt-4o-mini").stdout
    assert "input 0.15, output 0.60 (version 1, admin)" in text
    assert "128,000 tokens" in text
    with psycopg.connect(database) as connection:
        audit = connection.execute("SELECT actor, action FROM audit_events").fetchall()
    assert audit == [("switchyard model add", "model.created")]


def test_a_price_is_a_new_version() -> None:
    name = told("list")[0]["model_id"]
    before = told("show", name)["price"]["version"]
    after = told("price", name, "--input", "1", "--output", "2", "--cached", "0.1")["price"]
    assert after["version"] == before + 1
    assert after["prices"]["tiers"][0]["cached"] == "0.1"


@pytest.mark.parametrize("word", ["on", "off"])
def test_a_model_is_switched(word: str) -> None:
    name = told("list")[0]["model_id"]
    assert told(word, name)["is_active"] is (word == "on")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nope"), "there is no model 'nope'; see `switchyard model list --all`"),
        (("add", "gpt-4o"), "'gpt-4o' names no provider; use provider/id, as in openai/gpt-4o"),
        (("add", "openai/x", "--input", "1"), "a price needs both --input and --output"),
        (("add", "nobody/x"), "There is no provider 'nobody'."),
        (("add", "openai/x", "--level", "huge"), "There is no power level 'huge'."),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"switchyard: {said}\n"


def test_a_name_that_several_providers_have_is_asked_for() -> None:
    told("add", "openai/shared-name")
    told("add", "groq/shared-name")
    done = run("off", "shared-name")
    assert done.exit_code == 1
    assert "name one of: openai/shared-name, groq/shared-name" in done.stderr
    assert told("off", "groq/shared-name")["provider"] == "groq"
