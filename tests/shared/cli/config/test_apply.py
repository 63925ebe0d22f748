"""A file and a database that `apply` brings to it: the same checks as the API, all or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.cli.main import switchyard

pytestmark = pytest.mark.usefixtures("data_dir", "database")

WHOLE = """\
levels:
  - name: cheap
    rank: 5
    price_ceiling_usd_per_mtok: 0.7
providers:
  - provider: ollama
    base_url: http://127.0.0.1:11434/v1/
    auth_type: none
    is_local: true
models:
  - provider: ollama
    model_id: llama
    power_level: cheap
    context_window: 8192
    price:
      tiers:
        - {start_tokens: 0, input: 0.10, output: 0.20}
aliases:
  - {name: gpt-4o, target: cheap}
  - name: chat
    target: [{target: ollama/llama, weight: 9}, {target: eco, weight: 1}]
rules:
  - {power_level: cheap, model: llama, user_tier: free}
limits:
  - {scope: user, subject: "*", requests_per_minute: 60, budget_day_usd: 1.50}
tokens:
  - {name: ci, user_id: alice, tier: professional, allowed_models: [gpt-4o, cheap]}
"""


@pytest.fixture
def database(data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    return migrated_database_url


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, list(words))


def applied(text: str, *words: str) -> Result:
    Path("switchyard.yaml").write_text(text)
    return run("apply", "-f", "switchyard.yaml", *words)


def changes(text: str, *words: str) -> list[tuple[str, str, str]]:
    done = applied(text, *words, "--json")
    assert done.exit_code in (0, 3), done.output
    return [
        (one["deed"], one["section"], one["name"]) for one in json.loads(done.stdout)["changes"]
    ]


def asked(database: str, query: str) -> list[Any]:
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def test_what_a_file_says_is_made_once_and_a_second_time_changes_nothing(database: str) -> None:
    first = applied(WHOLE)
    assert first.exit_code == 0, first.output
    assert "+ rules: cheap/llama/free" in first.stdout
    assert "8 changes made" in first.stderr
    assert first.stdout.count("token, shown this once: sy_") == 1
    again = applied(WHOLE)
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1] == "no changes"
    made = asked(database, "SELECT DISTINCT actor FROM audit_events")
    assert made == [("switchyard apply",)]
    prices = asked(database, "SELECT prices FROM model_prices ORDER BY id DESC LIMIT 1")
    assert prices[0][0]["tiers"][0]["input"] == "0.10"


def test_what_is_exported_is_what_is_there_whatever_it_is() -> None:
    assert applied(WHOLE).exit_code == 0
    exported = run("export", "config").stdout
    assert "sy_" not in exported
    assert "is_active" in exported
    for words in ((), ("--prune",), ("--plan", "--prune")):
        done = applied(exported, *words)
        assert (done.exit_code, done.stdout) == (0, "no changes\n"), done.output


def test_an_export_makes_another_installation_alike(database: str) -> None:
    applied(WHOLE)
    exported = run("export", "config").stdout
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM access_tokens")
        connection.execute("DELETE FROM limits")
        connection.execute("DELETE FROM model_aliases")
        connection.execute("DELETE FROM llm_routing_rules")
    assert {one[0] for one in changes(exported)} == {"create"}
    assert run("export", "config").stdout == exported


def test_a_plan_says_what_would_change_and_changes_nothing(database: str) -> None:
    before = run("export", "config").stdout
    planned = applied(WHOLE, "--plan")
    assert planned.exit_code == 3
    assert "+ models: ollama/llama" in planned.stdout
    assert "sy_" not in planned.stdout
    assert "8 changes to make" in planned.stderr
    assert run("export", "config").stdout == before
    assert asked(database, "SELECT count(*) FROM audit_events") == [(0,)]


def test_drift_is_shown_field_by_field_and_taken_back(database: str) -> None:
    applied(WHOLE)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE llm_models SET context_window = 99 WHERE model_id = 'llama'")
        connection.execute("UPDATE limits SET requests_per_minute = 7")
    planned = applied(WHOLE, "--plan")
    assert planned.exit_code == 3
    assert "~ models: ollama/llama\n    context_window: 99 -> 8192" in planned.stdout
    assert "requests_per_minute: 7 -> 60" in planned.stdout
    assert len(changes(WHOLE)) == 2
    assert applied(WHOLE, "--plan").exit_code == 0


def test_a_new_price_is_a_new_version_and_the_same_in_other_words_is_none(database: str) -> None:
    applied(WHOLE)
    count = "SELECT count(*) FROM model_prices"
    before = asked(database, count)
    assert changes(WHOLE.replace("input: 0.10", "input: '0.1'")) == []
    assert asked(database, count) == before
    assert changes(WHOLE.replace("input: 0.10", "input: 0.11")) == [
        ("change", "models", "ollama/llama")
    ]
    assert asked(database, count) == [(before[0][0] + 1,)]


def test_what_the_file_does_not_have_goes_on_demand_alone_and_of_its_sections_alone() -> None:
    applied(WHOLE)
    fewer = "aliases:\n  - {name: gpt-4o, target: cheap}\nlimits:\n"
    kept = applied(fewer)
    assert kept.exit_code == 0
    assert "? aliases: chat is not in the file" in kept.stdout
    assert changes(fewer, "--prune") == [
        ("remove", "limits", "user/*"),
        ("remove", "aliases", "chat"),
    ]
    assert changes(fewer, "--prune") == []
    assert "llama" in run("export", "config").stdout


def test_what_cannot_go_stops_all_of_it() -> None:
    applied(WHOLE)
    done = applied("levels:\naliases:\n", "--prune")
    assert done.exit_code == 1
    assert done.stderr.startswith("switchyard: switchyard.yaml:1: levels: ")
    assert "cannot be removed" in done.stderr
    assert "gpt-4o" in run("export", "config").stdout


def test_a_revoked_token_is_made_again() -> None:
    applied(WHOLE)
    assert changes("tokens:\n", "--prune") == [("remove", "tokens", "alice/ci")]
    assert ("create", "tokens", "alice/ci") in changes(WHOLE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models:\n  - provider: [", "switchyard.yaml:2: "),
        ("modles:\n", "switchyard.yaml:1: modles: there is no such section"),
        ("aliases:\n  name: x\n", "switchyard.yaml:1: aliases: it must be a list"),
        ("aliases:\n  - x\n", "switchyard.yaml:2: aliases[0]: an entry has fields"),
        ("aliases:\n  - name: x\n", "2: aliases[0]: Object missing required field `target`"),
        ("aliases:\n  - name: x\n    name: y\n", "3: aliases[0].name: it is there twice"),
        (
            "aliases:\n  - {name: x, target: eco}\n  - {name: x, target: eco}\n",
            "3: aliases[1]: x is there twice",
        ),
        (
            "models:\n  - provider: openai\n    model_id: x\n    context: 5\n",
            "4: models[0].context: Object contains unknown field `context`",
        ),
        (
            "models:\n  - provider: openai\n    model_id: x\n    min_tier: gold\n",
            "4: models[0].min_tier: Invalid enum value 'gold'",
        ),
        (
            "limits:\n  - scope: user\n    subject: a\n    requests_per_minute: many\n",
            "4: limits[0].requests_per_minute: Expected `int | null`",
        ),
        ("tokens:\n  - {user_id: a, tier: free}\n", "2: tokens[0]: it needs a `name`"),
        # What only the services know:
        (
            "aliases:\n  - name: eco\n    target: eco\n",
            "2: aliases[0].name: 'eco' is a power level",
        ),
        (
            "aliases:\n  - name: ok\n    target: eco\n  - name: x\n    target: nothing\n",
            "5: aliases[1].target: 'nothing' is neither",
        ),
        (
            "models:\n  - provider: openai\n    model_id: x\n    price:\n      tiers:\n"
            "        - {start_tokens: 0, input: cheap, output: 1}\n",
            "5: models[0].price.tiers: 'price.tiers' is invalid",
        ),
        (
            "rules:\n  - power_level: eco\n    model: gone\n",
            "3: rules[0].model: The model 'gone' is not listed",
        ),
    ],
)
def test_what_is_wrong_is_named_by_line_and_field_and_nothing_is_changed(
    text: str, said: str, database: str
) -> None:
    done = applied(text)
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert asked(database, "SELECT count(*) FROM audit_events") == [(0,)]


def test_what_refers_to_itself_is_refused() -> None:
    doubled = "".join(f"- &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 20))
    done = applied(f"models:\n- &a0 [x, x]\n{doubled}")
    assert done.exit_code == 1
    assert "repeats itself" in done.stderr


def test_an_empty_file_changes_nothing() -> None:
    assert applied("").stdout == "no changes\n"
    assert applied("# nothing\n", "--prune").stdout == "no changes\n"
