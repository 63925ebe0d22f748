"""`switchyard apply` and `switchyard export config`: the setup as a file, there and back."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from shared.cli.config.entries import entries_of
from shared.cli.config.marked_yaml import read_yaml
from shared.cli.config.reconcile import Change, Deed, Reconciled, reconcile
from shared.cli.config.sections import sections_over
from shared.cli.config.written import write_config
from shared.cli.failures import failing_in_one_line
from shared.cli.output import json_option, print_json
from shared.cli.services import database_url
from shared.db.connections import CommandDatabase
from shared.log import escaped

_SIGNS = {Deed.CREATE: "+", Deed.CHANGE: "~", Deed.REMOVE: "-"}
_DRIFTED = 3


@click.command(short_help="Bring the setup to what a file says.")
@click.option(
    "-f",
    "--file",
    "path",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML, as `switchyard export config` writes it.",
)
@click.option("--plan", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--prune", is_flag=True, help="Remove what the file's sections do not have.")
@json_option
@failing_in_one_line()
def apply(path: Path, plan: bool, prune: bool, as_json: bool) -> None:
    """Bring providers, models, aliases, levels, rules, limits and tokens to what FILE says.

    All or nothing, in one transaction, with the checks of the admin API. Sections and fields that
    FILE does not have stay as they are. A new token is printed once.

    Exit status: 0 done, or nothing to do; 3 --plan has found a difference.

    \b
    Example:
      switchyard export config > switchyard.yaml
      switchyard apply -f switchyard.yaml --plan
    """
    marked, dsn = read_yaml(path), database_url()
    wanted = entries_of(marked, sections_over(CommandDatabase(dsn)))
    found = asyncio.run(reconcile(dsn, marked, wanted, prune=prune, plan=plan))
    if as_json:
        print_json({"is_plan": plan, **msgspec.to_builtins(_shown(found, plan=plan))})
    else:
        _print(found, plan=plan)
    if plan and found.changes:
        sys.exit(_DRIFTED)


@click.group(short_help="Write the setup as a file that `apply` takes.")
def export() -> None:
    """The setup as a file.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@export.command()
@failing_in_one_line()
def config() -> None:
    """Write providers, models, aliases, levels, rules, limits and tokens as YAML.

    It holds no secret: of a token all but its text, and no key of a provider.

    \b
    Example: switchyard export config > switchyard.yaml
    """
    sections = sections_over(CommandDatabase(database_url()))
    click.echo(asyncio.run(write_config(sections)), nl=False)


def _shown(found: Reconciled, *, plan: bool) -> Reconciled:
    """A token that was only planned does not exist."""
    if not plan:
        return found
    changes = [msgspec.structs.replace(one, token=None) for one in found.changes]
    return msgspec.structs.replace(found, changes=changes)


def _print(found: Reconciled, *, plan: bool) -> None:
    for change in _shown(found, plan=plan).changes:
        _print_change(change)
    for one in found.extra:
        click.echo(escaped(f"? {one.section}: {one.name} is not in the file; --prune removes it"))
    if not found.changes:
        click.echo("no changes")
        return
    said = f"{len(found.changes)} change{'s' if len(found.changes) > 1 else ''}"
    click.echo(f"{said} to make." if plan else f"{said} made, in force within 2 s.", err=True)


def _print_change(change: Change) -> None:
    click.echo(escaped(f"{_SIGNS[change.deed]} {change.section}: {change.name}"))
    for name, (was, becomes) in change.fields.items():
        click.echo(escaped(f"    {name}: {_said(was)} -> {_said(becomes)}"))
    if change.token is not None:
        click.echo(f"    token, shown this once: {change.token}")


def _said(value: Any) -> str:
    return "unset" if value is msgspec.UNSET else msgspec.json.encode(value).decode()
