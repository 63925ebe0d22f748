"""The commands of the ledger, as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.types.json import Jsonb

from shared.cli.main import switchyard
from shared.ledger.rows import write_batch
from tests.fakes.usage_records import final, request_id_at

pytestmark = pytest.mark.usefixtures("data_dir")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNKNOWN: dict[str, Any] = {"cost_total_pico_usd": None, "cost_quality": "unpriced"}
DAY = ("--start", "2026-03-01", "--end", "2026-03-02")


@pytest.fixture
def database(
    data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[Any]]:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        write_batch(
            connection,
            [
                final(request_id=request_id_at(NOON), provider_cost_pico_usd=5_000_000_000),
                final(request_id=request_id_at(NOON), **UNKNOWN),
            ],
            [],
        )
        yield connection


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, ["usage", *words])


@pytest.mark.usefixtures("database")
def test_export_writes_a_folder_and_says_what_is_in_it(tmp_path: Path) -> None:
    done = run("export", "--to", str(tmp_path / "out"), *DAY)
    assert done.exit_code == 0, done.output
    assert done.stdout == "2 rows in 1 parts, 0.0025 USD, complete.\n"
    again = run("export", "--to", str(tmp_path / "out"), *DAY, "--json")
    assert json.loads(again.stdout)["sums"]["rows"] == 2
    other = run("export", "--to", str(tmp_path / "out"), "--start", "2026-03-01")
    assert other.exit_code == 1
    assert "another export" in other.stderr
    (tmp_path / "out" / "usage-00001.jsonl").write_text("")
    assert run("export", "--to", str(tmp_path / "out"), "--verify").exit_code == 1


def test_reprice_says_what_it_would_do_then_does_it_once_and_is_audited(database: Any) -> None:
    database.execute("DELETE FROM model_prices WHERE model_id = 2")
    prices = Jsonb({"tiers": [{"start_tokens": 0, "input": "1", "output": "1"}]})
    database.execute(
        "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
        " VALUES (2, 1, now(), 'test', now(), %s)",
        (prices,),
    )
    dry = json.loads(run("reprice", "--dry-run", "--json").stdout)
    assert dry == {"rows": 1, "adjusted": 1, "unpriced": 0, "amount_usd": 0.0012}
    assert run("reprice").stdout == "1 rows were adjusted, by 0.0012 USD in total.\n"
    assert run("reprice").stdout == "0 rows were adjusted, by 0 USD in total.\n"
    audited = database.execute("SELECT actor, action, details FROM audit_events").fetchall()
    assert audited == [
        ("switchyard usage", "usage.repriced", {"adjusted": 1, "amount_usd": "0.0012"})
    ]


def test_reconcile_lists_differences_and_fails_where_sums_are_wrong(database: Any) -> None:
    done = run("reconcile", "--json", *DAY)
    assert done.exit_code == 0
    [found] = json.loads(done.stdout)["differences"]
    assert (found["rows"], found["apart"], found["difference_usd"]) == (1, 1, -0.0025)
    [row] = json.loads(run("reconcile", "--rows", "--json", *DAY).stdout)["differences"]
    assert row["theirs_usd"] == 0.005
    assert "openai" in run("reconcile", *DAY).stdout
    for name in ("OpenAI", "openai", "OPENAI"):
        named = run("reconcile", "--json", "--provider", name, *DAY)
        assert json.loads(named.stdout)["differences"] == [found]
    database.execute("UPDATE usage_daily SET requests = requests + 1")
    wrong = run("reconcile", *DAY)
    assert wrong.exit_code == 1
    assert "1 daily sums do not match their rows" in wrong.stderr


def test_replay_makes_dead_letters_due(database: Any) -> None:
    database.execute("UPDATE usage_outbox SET failed_at = now()")
    assert run("replay").stdout == "1 events queued again; 1 waiting, 0 dead letters.\n"
    assert json.loads(run("replay", "--json").stdout)["replayed"] == 0


def test_a_date_that_is_none_is_wrong_usage() -> None:
    done = run("export", "--to", "x", "--start", "yesterday")
    assert done.exit_code == 2
    assert "2026-11-25" in done.stderr


@pytest.mark.usefixtures("database")
def test_show_sums_what_was_used_and_is_whole_in_a_pipe() -> None:
    done = run("show", *DAY, "--by", "day", "--by", "user", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    [row] = answer["data"]
    assert (row["day"], row["user"], row["requests"]) == ("2026-03-01", final().user_id, 2)
    assert answer["total"]["requests"] == 2
    head, line = run("show", *DAY, "--by", "user").stdout.splitlines()
    assert head.split()[:3] == ["user", "requests", "prompt"]
    assert line.split()[:2] == [final().user_id, "2"]


@pytest.mark.usefixtures("database")
def test_show_says_on_stderr_that_nothing_was_used() -> None:
    done = run("show", "--start", "2020-01-01", "--end", "2020-01-02")
    assert (done.stdout, done.stderr) == ("", "Nothing was used.\n")
