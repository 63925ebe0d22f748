"""Every command's help fits a terminal of 80 columns, and shows how it is called."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from shared.cli.main import switchyard

WIDTH = 80


def commands(
    command: click.Command = switchyard, path: tuple[str, ...] = ("switchyard",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command and group by its whole name."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


ALL = dict(commands())
LEAVES = {name: one for name, one in ALL.items() if not isinstance(one, click.Group)}


def help_of(name: str) -> str:
    context = click.Context(ALL[name], info_name=name, terminal_width=WIDTH)
    return ALL[name].get_help(context)


@pytest.mark.parametrize("name", ALL)
def test_help_fits_a_terminal(name: str) -> None:
    assert [line for line in help_of(name).splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("name", LEAVES)
def test_help_shows_how_it_is_called(name: str) -> None:
    said = ALL[name].help or ""
    assert f"{name} " in said or f"{name}\n" in said + "\n", f"give `{name}` an example"
