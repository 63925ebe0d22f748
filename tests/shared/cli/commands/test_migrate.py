from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner

from shared.cli.main import switchyard


@pytest.mark.usefixtures("data_dir")
def test_it_says_what_it_does_and_that_a_second_run_has_nothing_to_do(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    first = CliRunner().invoke(switchyard, ["migrate"])
    assert first.exit_code == 0, first.output
    assert "tables created" in first.stdout
    second = CliRunner().invoke(switchyard, ["migrate"])
    assert second.exit_code == 0
    assert second.stdout.startswith("nothing to do")


@pytest.mark.usefixtures("data_dir")
def test_a_strangers_table_is_named_in_one_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE access_tokens (id int)")
    done = CliRunner().invoke(switchyard, ["migrate"])
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "switchyard: the database already has tables with our names: access_tokens"
    )
    assert done.stderr.count("\n") == 1
