from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.auth.token import digest, is_well_formed
from shared.cli.main import switchyard

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.fixture
def database(data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    return migrated_database_url


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, ["token", *words])


def create(*words: str) -> str:
    done = run("create", "--user", "ada", "--tier", "professional", *words)
    assert done.exit_code == 0, done.output
    return done.stdout.rstrip("\n")


def listed() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run("list", "--json").stdout)
    return rows


def test_the_token_stands_alone_on_stdout_and_nowhere_in_the_database(database: str) -> None:
    token = create()
    assert is_well_formed(token)
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT token_digest, t::text FROM access_tokens t").fetchone()
    assert row is not None
    assert row[0] == digest(token)
    assert token not in row[1]


@pytest.mark.usefixtures("database")
def test_a_token_is_listed_as_it_was_made_but_not_shown() -> None:
    token = create("--role", "admin", "--team", "t1", "--name", "CI", "--expires", "2w")
    (row,) = listed()
    assert (row["user_id"], row["tier"], row["role"]) == ("ada", "professional", "admin")
    assert (row["team_id"], row["name"]) == ("t1", "CI")
    ends = datetime.fromisoformat(str(row["expires_at"])) - datetime.now(UTC)
    assert timedelta(days=13, hours=23) < ends <= timedelta(days=14)
    table = run("list").stdout
    assert "CI" in table
    assert token not in table + json.dumps(row)


def test_the_models_named_are_the_only_ones_allowed(database: str) -> None:
    create("--model", "openai/gpt-4o", "--model", "gemini-*")
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT allowed_models FROM access_tokens").fetchall()
    assert rows == [(["openai/gpt-4o", "gemini-*"],)]


@pytest.mark.usefixtures("database")
def test_a_revoked_token_is_shown_as_such_and_cannot_be_revoked_again() -> None:
    create()
    (row,) = listed()
    token_id = str(row["id"])
    assert run("revoke", token_id).exit_code == 0
    (row,) = listed()
    assert row["revoked_at"] is not None
    again = run("revoke", token_id)
    assert again.exit_code == 1
    assert again.stderr.startswith(f"switchyard: there is no active token {token_id};")


@pytest.mark.usefixtures("database")
def test_a_rotated_token_stays_valid_for_a_day() -> None:
    old = create()
    (row,) = listed()
    done = run("rotate", str(row["id"]))
    assert is_well_formed(done.stdout.rstrip("\n"))
    assert done.stdout.rstrip("\n") != old
    by_id = {one["id"]: one for one in listed()}
    assert len(by_id) == 2
    left = datetime.fromisoformat(str(by_id[row["id"]]["expires_at"])) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)


def test_what_a_command_does_is_audited_as_what_a_route_does(database: str) -> None:
    create("--scope", "usage")
    assert run("rotate", str(listed()[0]["id"])).exit_code == 0
    assert run("revoke", str(listed()[1]["id"])).exit_code == 0
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT actor, action, details FROM audit_events ORDER BY id"
        ).fetchall()
    ids = [row["id"] for row in listed()]
    made = {"user": "ada", "role": "user", "tier": "professional", "scopes": ["usage"]}
    assert rows == [
        ("switchyard token create", "token.created", made),
        ("switchyard token rotate", "token.rotated", {"to": ids[1], "overlap_hours": 24}),
        ("switchyard token revoke", "token.revoked", {"user": "ada"}),
    ]


@pytest.mark.usefixtures("database")
def test_json_holds_the_token_and_its_id() -> None:
    made = json.loads(create("--json"))
    assert [row["id"] for row in listed()] == [made["id"]]
    assert is_well_formed(made["token"])


@pytest.mark.parametrize("duration", ["30", "d", "0d", "-1d", "1y", "1.5h"])
def test_a_duration_that_cannot_be_read_is_wrong_usage(duration: str) -> None:
    done = run("create", "--user", "ada", "--tier", "free", "--expires", duration)
    assert done.exit_code == 2
    assert "use 30d" in done.stderr


def test_a_database_without_our_tables_is_named_in_one_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done = run("list")
    assert done.exit_code == 1
    assert done.stderr == (
        "switchyard: the database has no Switchyard tables; run `switchyard migrate` first\n"
    )


def test_no_database_at_all_is_named_in_one_line() -> None:
    done = run("list")
    assert done.exit_code == 1
    assert done.stderr.startswith("switchyard: DATABASE_URL is not set and no `switchyard up`")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("mysql://u:hunter2@h/d", "must start with postgresql://", id="not PostgreSQL"),
        pytest.param("postgresql://u:hunter2%zz@h/d", "special characters as %XX", id="unreadable"),
        pytest.param("postgresql://u:hunter2@127.0.0.1:1/d", "PostgreSQL: ", id="not reachable"),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    done = run("list")
    assert done.exit_code == 1
    assert words in done.stderr
    assert "hunter2" not in done.output
    assert done.stderr.count("\n") == 1
