"""`catalog sync` shows by default, and switches nothing on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.rows import dict_row

from shared.cli.main import switchyard
from shared.wire.providers import SEEDS

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.fixture
def database(data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    return migrated_database_url


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, ["catalog", "sync", *words])


def report(*words: str) -> dict[str, Any]:
    done = run("--json", *words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rows(database: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(database, row_factory=dict_row, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


MODELS = "SELECT * FROM llm_models ORDER BY id"
SET_PRICE = (
    "UPDATE model_prices SET prices = jsonb_set(prices, '{tiers,0,input}', '\"99\"'),"
    " source = '%s' WHERE model_id = (SELECT id FROM llm_models WHERE model_id = 'gpt-6.1-terra')"
)


def test_by_default_it_only_shows(database: str) -> None:
    before = rows(database, MODELS)
    told = report()
    assert told["applied"] is False
    assert told["summary"]["new"] > 300
    assert {change["provider"] for change in told["changes"]} == set(SEEDS)
    assert rows(database, MODELS) == before
    done = run("--provider", "groq")
    assert "openai/gpt-oss-120b" in done.stdout
    assert "Nothing was changed" in done.stderr


def test_new_models_arrive_switched_off_with_a_price(database: str) -> None:
    before = rows(database, MODELS)
    assert report("--apply", "--provider", "groq", "--provider", "fireworks")["applied"] is True
    after = rows(database, MODELS)
    assert after[: len(before)] == before
    new = after[len(before) :]
    assert new
    assert {(one["is_active"], one["power_level"]) for one in new} == {(False, None)}
    ids = [one["model_id"] for one in new]
    assert "openai/gpt-oss-120b" in ids
    assert "accounts/fireworks/models/deepseek-v4p1-flash" in ids
    unpriced = "SELECT 1 FROM llm_models m WHERE NOT EXISTS (SELECT 1 FROM model_prices"
    assert rows(database, unpriced + " WHERE model_id = m.id AND version = 1)") == []
    audit = rows(database, "SELECT actor, action, target_id FROM audit_events ORDER BY target_id")
    assert [one["target_id"] for one in audit] == ["fireworks", "groq"]
    assert audit[0]["actor"] == "switchyard catalog sync"


def test_a_second_run_finds_nothing(database: str) -> None:
    report("--apply", "--provider", "anthropic")
    again = report("--apply", "--provider", "anthropic")
    assert again["changes"] == []
    assert "The catalog is up to date." in run("--provider", "anthropic").stderr


def test_a_changed_price_becomes_a_new_version(database: str) -> None:
    rows(database, SET_PRICE % "genai-prices 0.0.1")
    (change,) = [one for one in report("--apply", "--provider", "openai")["changes"] if one["was"]]
    assert (change["kind"], change["model_id"]) == ("price", "gpt-6.1-terra")
    assert (change["was"], change["becomes"]) == ("99 / 5 …", "1 / 5 …")
    versions = rows(
        database,
        "SELECT version, prices -> 'tiers' -> 0 ->> 'input' AS input FROM model_prices"
        " WHERE model_id = (SELECT id FROM llm_models WHERE model_id = 'gpt-6.1-terra')"
        " ORDER BY version",
    )
    assert versions == [{"version": 1, "input": "99"}, {"version": 2, "input": "1"}]


def test_a_price_that_was_set_by_hand_stays(database: str) -> None:
    rows(database, SET_PRICE % "our contract")
    told = report("--apply", "--provider", "openai")
    assert [one["kind"] for one in told["changes"] if one["was"]] == ["kept"]
    query = "SELECT version FROM model_prices WHERE source = 'our contract'"
    assert rows(database, query) == [{"version": 1}]


def test_a_model_that_is_not_known_any_more_is_told_and_left(database: str) -> None:
    rows(database, "UPDATE llm_models SET model_id = 'dropped-by-them' WHERE provider_id = 4")
    told = report("--apply", "--provider", "groq")
    gone = [one for one in told["changes"] if one["kind"] == "gone"]
    assert [one["model_id"] for one in gone] == ["dropped-by-them"]
    query = "SELECT is_active FROM llm_models WHERE model_id = 'dropped-by-them'"
    assert rows(database, query) == [{"is_active": True}]


@pytest.mark.usefixtures("database")
def test_a_provider_that_is_not_there_is_named() -> None:
    done = run("--provider", "nobody")
    assert done.exit_code == 1
    assert "unknown provider nobody" in done.stderr
