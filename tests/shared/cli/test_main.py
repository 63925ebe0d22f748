from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from shared.cli import main
from shared.cli.main import COMMANDS, switchyard


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_listed_is_there_with_help_that_says_the_same(name: str) -> None:
    command = switchyard.get_command(click.Context(switchyard), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


@pytest.mark.parametrize(("name", "fix"), [("up", "[up]"), ("token", "the worker's container")])
def test_a_command_whose_extra_is_not_installed_says_so_in_one_line(
    name: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(_: str) -> None:
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")

    monkeypatch.setattr(main, "import_module", bare)
    done = CliRunner().invoke(switchyard, [name])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: `switchyard {name}` needs psutil")
    assert fix in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_loads_no_command() -> None:
    looked = "click, sys; from shared.cli.main import switchyard;"
    looked += "switchyard.main(['--help'], standalone_mode=False);"
    looked += "print(sorted({'psycopg', 'rich', 'sqlalchemy', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import {looked}"], capture_output=True, text=True, check=True
    )
    assert "token" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_an_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(switchyard, ["nope"]).exit_code == 2
