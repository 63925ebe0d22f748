"""`switchyard alias`: list, add and remove names that stand for other models."""

from __future__ import annotations

import asyncio

import click
from rich.markup import escape
from rich.table import Table

from shared.catalog.aliases import AliasRow, AliasTarget, ModelAliases, NewAlias
from shared.cli.failures import CommandFailed, converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase


@click.group(short_help="List, add and remove names that stand for other models.")
def alias() -> None:
    """Aliases: names, or patterns with one *, that stand for a model, a level or a weighted list.

    Changes are in force everywhere within 2 s.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@alias.command("list")
@json_option
@failing_in_one_line()
def list_(as_json: bool) -> None:
    """List aliases.

    \b
    Example: switchyard alias list
    """
    rows = asyncio.run(_aliases().list())
    if as_json:
        print_json(rows)
        return
    table = Table("alias", "stands for", "state")
    for row in rows:
        table.add_row(escape(row.name), escape(_said(row)), "on" if row.is_active else "off")
    print_table(table, "No aliases. Add one with `switchyard alias add`.")


@alias.command()
@click.argument("name")
@click.argument("targets", metavar="TARGET[=WEIGHT]...", nargs=-1, required=True)
@json_option
@failing_in_one_line()
def add(name: str, targets: tuple[str, ...], as_json: bool) -> None:
    """Let NAME stand for TARGET, or for several by weight.

    A * in NAME stands for any text, and in a TARGET for what that was. Quote it, or the shell will
    look for files.

    \b
    Examples:
      switchyard alias add gpt-4o balanced
      switchyard alias add 'claude-*' 'anthropic/claude-*'
      switchyard alias add chat openai/gpt-6.1-terra=9 google/gemini-3.8-flash=1
    """
    listed = [_target(one) for one in targets]
    new = converted({"name": name, "target": listed}, NewAlias)
    row = asyncio.run(_aliases().create(new, Actor("switchyard alias add")))
    if as_json:
        print_json(row)
    else:
        click.echo(f"{row.name} stands for {_said(row)}.", err=True)


@alias.command()
@click.argument("name")
@json_option
@failing_in_one_line()
def remove(name: str, as_json: bool) -> None:
    """Remove an alias.

    \b
    Example: switchyard alias remove gpt-4o
    """
    asyncio.run(_aliases().delete(name, Actor("switchyard alias remove")))
    if as_json:
        print_json({"name": name, "deleted": True})
        return
    click.echo(f"{name} stands for nothing else any more.", err=True)


def _aliases() -> ModelAliases:
    return ModelAliases(CommandDatabase(database_url()))


def _target(text: str) -> AliasTarget:
    target, equals, weight = text.rpartition("=")
    if not equals:
        return AliasTarget(text)
    if not weight.isdecimal():
        raise CommandFailed(f"{text!r} has no weight behind its =; use model=9")
    return AliasTarget(target, int(weight))


def _said(row: AliasRow) -> str:
    if len(row.targets) == 1:
        return row.targets[0].target
    total = sum(one.weight for one in row.targets)
    return ", ".join(f"{one.target} ({one.weight / total:.0%})" for one in row.targets)
