"""Limits as an admin reads and changes them, over HTTP and by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from litestar.testing import TestClient

from functions.limits.app import app
from shared.cli.main import switchyard
from tests.fakes.gateway import ADMIN

LIMITS = "/api/v1/admin/llm/limits"


@pytest.fixture
def database(migrated_database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SWITCHYARD_TRYOUT_TOKENS", "true")
    return migrated_database_url


@pytest.fixture
def admin(database: str) -> Iterator[TestClient[Any]]:
    with TestClient(app, base_url="http://127.0.0.1") as client:
        client.headers.update(ADMIN)
        yield client


def made(admin: TestClient[Any], **fields: Any) -> dict[str, Any]:
    answer = admin.post(LIMITS, json={"scope": "user", "subject": "alice", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_limit_is_made_changed_read_and_removed(admin: TestClient[Any], database: str) -> None:
    limit = made(admin, budget_day_usd=1.5, requests_per_minute=60, time_zone="Europe/Berlin")
    assert (limit["budget_day_usd"], limit["tokens_per_minute"]) == (1.5, None)
    path = f"{LIMITS}/{limit['id']}"
    changed = admin.patch(path, json={"requests_per_minute": None, "is_soft": True}).json()
    assert (changed["requests_per_minute"], changed["is_soft"]) == (None, True)
    assert admin.get(path).json() == changed
    assert admin.get(LIMITS).json()["data"] == [changed]
    assert admin.delete(path).json() == {"id": limit["id"], "deleted": True}
    assert admin.get(path).status_code == 404
    with psycopg.connect(database) as connection:
        audit = connection.execute("SELECT action, target_type FROM audit_events ORDER BY id")
        assert audit.fetchall() == [
            ("limit.created", "limit"),
            ("limit.changed", "limit"),
            ("limit.deleted", "limit"),
        ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "limits"),
        ({"scope": "galaxy", "requests_per_minute": 1}, "scope"),
        ({"scope": "all", "requests_per_minute": 1}, "subject"),
        ({"scope": "tier", "subject": "gold", "requests_per_minute": 1}, "subject"),
        ({"scope": "token", "subject": "abc", "requests_per_minute": 1}, "subject"),
        ({"time_zone": "Moon/Sea", "budget_day_usd": 1}, "time_zone"),
        ({"time_zone": "../../etc/passwd", "budget_day_usd": 1}, "time_zone"),
        ({"budget_day_usd": 1, "on_budget": "laugh"}, "on_budget"),
        ({"budget_day_usd": -1}, "budget_day_usd"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"requests_per_minute": 1, "typo": 1}, "typo"),
        ({"subject": "a\nb", "requests_per_minute": 1}, "subject"),
    ],
)
def test_a_row_that_cannot_be_held_is_refused(
    admin: TestClient[Any], fields: dict[str, Any], param: str
) -> None:
    answer = admin.post(LIMITS, json={"scope": "user", "subject": "alice", **fields})
    assert answer.status_code == 400, answer.text
    assert param in json.dumps(answer.json()["error"])
    assert admin.get(LIMITS).json()["data"] == []


def test_a_change_that_leaves_nothing_to_hold_is_refused(admin: TestClient[Any]) -> None:
    limit = made(admin, requests_per_minute=1)
    path = f"{LIMITS}/{limit['id']}"
    assert admin.patch(path, json={"requests_per_minute": None}).status_code == 400
    assert admin.get(path).json() == limit


def test_a_subject_has_one_row(admin: TestClient[Any]) -> None:
    made(admin, requests_per_minute=1)
    again = admin.post(LIMITS, json={"scope": "user", "subject": "alice", "tokens_per_minute": 1})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "taken")


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, words)


def test_the_command_sets_lists_and_removes(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHYARD_DATA_DIR", str(tmp_path))
    done = run("limit", "set", "user", "alice", "--day", "5", "--requests", "60")
    assert (done.exit_code, done.stderr) == (0, "user alice: 60 requests a minute, 5 USD a day.\n")
    done = run("limit", "set", "user", "alice", "--tokens", "1000", "--json")
    [row] = json.loads(run("limit", "list", "--json").stdout)
    assert row == json.loads(done.stdout)
    assert (row["requests_per_minute"], row["tokens_per_minute"]) == (None, 1000)
    assert "alice" in run("limit", "list").stdout
    assert run("limit", "set", "all").exit_code == 1
    assert run("limit", "remove", "user", "alice").exit_code == 0
    assert run("limit", "remove", "user", "alice").exit_code == 1
    assert json.loads(run("limit", "list", "--json").stdout) == []


def test_a_row_that_sql_wrote_and_nobody_can_hold_is_named_by_doctor(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHYARD_DATA_DIR", str(tmp_path))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO limits (scope, subject) VALUES ('user', 'alice')")
    findings = json.loads(run("doctor", "--json").stdout)["findings"]
    [limits] = [one for one in findings if one["name"] == "limits"]
    assert "The row limits nothing" in limits["detail"]
