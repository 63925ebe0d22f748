from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.cli.main import switchyard
from shared.cli.running.data_folder import ensure_key_file
from shared.cli.running.run_file import Run, write_run_file
from shared.vault.keyring import generate_key
from tests.fakes.raw_server import RawServer, answers_always


@dataclass
class Report:
    exit_code: int
    psql: str | None
    output: str
    states: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])


def report() -> Report:
    done = CliRunner().invoke(switchyard, ["doctor", "--json"])
    made = json.loads(done.stdout)
    assert made["ok"] == (done.exit_code == 0)
    found = Report(done.exit_code, made["psql"], done.output)
    for one in made["findings"]:
        found.states[one["name"]] = one["state"]
        found.texts[one["name"]] = f"{one['detail']} | {one['fix']}"
    return found


@pytest.fixture
def all_well(
    data_dir: Path, migrated_database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BYOK_ENCRYPTION_KEY", generate_key())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-operator")


@pytest.mark.usefixtures("all_well")
def test_nothing_is_wrong_where_everything_is_set_and_there() -> None:
    found = report()
    assert found.exit_code == 0
    assert "wrong" not in found.states.values()
    assert found.states["provider openai"] == "ok"
    assert "Valkey" in found.texts["Redis"]
    assert "sk-of-the-operator" not in found.output


@pytest.mark.usefixtures("all_well")
def test_the_table_says_the_same_and_ends_well() -> None:
    done = CliRunner().invoke(switchyard, ["doctor"])
    assert done.exit_code == 0
    assert "up to date" in done.stdout
    assert '"$DATABASE_URL"' in done.stdout


@pytest.mark.usefixtures("data_dir")
def test_each_missing_thing_is_named_with_its_fix() -> None:
    found = report()
    assert found.exit_code == 1
    for name, words in {
        "PostgreSQL": "DATABASE_URL is not set",
        "Redis": "REDIS_URL is not set",
        "encryption key": "switchyard key generate",
        "providers": "OPENAI_API_KEY",
    }.items():
        assert found.states[name] == "wrong"
        assert words in found.texts[name]


@pytest.mark.usefixtures("all_well")
@pytest.mark.parametrize(
    ("variable", "value", "name", "words"),
    [
        ("BYOK_ENCRYPTION_KEY", "hunter2", "encryption key", "Invalid encryption key"),
        ("LOG_LEVEL", "loud", "settings", "LOG_LEVEL is invalid"),
        ("PORT", "0", "settings", "PORT is invalid"),
        ("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/d", "PostgreSQL", "start it"),
        ("DATABASE_URL", "postgresql://u:hunter2%zz@h/d", "PostgreSQL", "%XX"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0", "Redis", "start it"),
        ("REDIS_URL", "hunter2", "Redis", "correct REDIS_URL"),
        ("SWITCHYARD_DATA_DIR", "/dev/null/x", "data folder", "set SWITCHYARD_DATA_DIR"),
    ],
)
def test_each_wrong_thing_is_named_without_a_secret(
    variable: str, value: str, name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    found = report()
    assert found.exit_code == 1
    assert [one for one, state in found.states.items() if state == "wrong"] == [name]
    assert words in found.texts[name]
    assert "hunter2" not in found.output


@pytest.mark.usefixtures("all_well")
def test_a_database_without_our_tables_asks_for_the_migration(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    found = report()
    assert (found.states["PostgreSQL"], found.states["tables"]) == ("ok", "wrong")
    assert "run `switchyard migrate`" in found.texts["tables"]


@pytest.mark.usefixtures("all_well")
def test_a_database_that_is_not_utf8_is_named_with_its_fix(
    ascii_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", ascii_database_url)
    found = report()
    assert found.states["PostgreSQL"] == "wrong"
    assert "SQL_ASCII" in found.texts["PostgreSQL"]
    assert "ENCODING 'UTF8'" in found.texts["PostgreSQL"]


def test_the_services_of_a_running_up_are_found(
    data_dir: Path, migrated_database_url: str, redis_url: str
) -> None:
    ensure_key_file(data_dir)
    body = b'{"data":[{"provider":"openai","name":"OpenAI","way":"simulated"}]}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with RawServer(answers_always(head % len(body) + body)) as gateway:
        found = of_up(data_dir, gateway.url, migrated_database_url, redis_url)
    assert found.exit_code == 0
    assert found.psql == f'/somewhere/psql "{migrated_database_url}"'
    assert found.texts["provider openai"].startswith("simulated")


def test_what_a_running_up_has_is_not_judged_by_the_settings_of_this_terminal(
    data_dir: Path, migrated_database_url: str, redis_url: str
) -> None:
    ensure_key_file(data_dir)
    body = b'{"data":[{"provider":"openai","name":"OpenAI","way":"real"},'
    body += b'{"provider":"groq","name":"Groq","way":"off"}]}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with RawServer(answers_always(head % len(body) + body)) as gateway:
        found = of_up(data_dir, gateway.url, migrated_database_url, redis_url)
    assert found.exit_code == 0
    assert found.states["provider openai"] == "ok"
    assert found.texts["provider groq"].startswith("off")


def test_a_running_up_whose_gateway_is_silent_is_wrong(
    data_dir: Path, migrated_database_url: str, redis_url: str
) -> None:
    ensure_key_file(data_dir)
    found = of_up(data_dir, "http://127.0.0.1:9", migrated_database_url, redis_url)
    assert (found.exit_code, found.states["providers"]) == (1, "wrong")


def of_up(data_dir: Path, url: str, database_url: str, redis_url: str) -> Report:
    run = Run(
        pid=os.getpid(),
        url=url,
        database_url=database_url,
        redis_url=redis_url,
        data_dir=str(data_dir),
        psql="/somewhere/psql",
    )
    write_run_file(data_dir, run)
    return report()


@pytest.mark.usefixtures("all_well")
def test_a_litellm_proxy_serves_who_has_no_key_and_is_asked_whether_it_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as proxy:
        monkeypatch.setenv("LITELLM_PROXY_URL", proxy.url)
        monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-master")
        found = report()
        assert proxy.requests[0].startswith(b"GET /health/liveliness HTTP/1.1\r\n")
        assert b"sk-master" not in proxy.requests[0]
    assert found.exit_code == 0
    assert "through the LiteLLM proxy" in found.texts["provider groq"]
    assert found.states["LiteLLM proxy"] == "ok"
    assert "sk-master" not in found.output


@pytest.mark.usefixtures("all_well")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "does not answer"),
        ("litellm:4000", "must start with http"),
        ("http://user:secret@litellm:4000", "must not hold a user"),
    ],
)
def test_a_litellm_proxy_that_cannot_be_asked_is_wrong(
    monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("LITELLM_PROXY_URL", url)
    found = report()
    assert found.exit_code == 1
    assert words in found.texts["LiteLLM proxy"]
    assert "secret" not in found.output
