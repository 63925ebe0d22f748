"""`switchyard doctor`: find what is missing or wrong, and say how to fix it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.cli import doctor_checks as checks
from shared.cli.doctor_checks import Finding, State, check_litellm
from shared.cli.doctor_state import check_leftovers, check_stored_keys
from shared.cli.failures import failing_in_one_line
from shared.cli.running.run_file import Run
from shared.cli.services import data_folder, is_database_given, running_up

_STYLES = {State.OK: "green", State.NOTE: "dim", State.WRONG: "bold red"}


class _Report(msgspec.Struct, frozen=True):
    ok: bool
    findings: list[Finding]
    psql: str | None


@click.command(short_help="Find problems in the setup, and say how to fix them.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def doctor(as_json: bool) -> None:
    """Check settings, PostgreSQL, Redis, the data folder, keys and providers.

    Without DATABASE_URL or REDIS_URL, checks the services of a running `switchyard up`. Exits with
    status 1 if something is wrong.

    \b
    Example: switchyard doctor --json
    """
    folder, run = data_folder(), running_up()
    findings = [
        *check_leftovers(run, folder),
        *checks.check_settings(),
        *checks.check_postgres(run),
        *checks.check_redis(run),
        *checks.check_data_folder(folder),
        *checks.check_encryption_key(folder),
        *check_stored_keys(folder),
        *checks.check_providers(run),
        *check_litellm(),
    ]
    is_well = all(finding.state is not State.WRONG for finding in findings)
    psql = _psql_command(run)
    if as_json:
        click.echo(msgspec.json.encode(_Report(is_well, findings, psql)))
    else:
        console = Console()
        console.print(_table(findings))
        if psql is not None:
            # Not through rich, which would wrap a line that is meant to be pasted.
            click.echo(f"To open the database:\n{psql}")
    if not is_well:
        raise click.exceptions.Exit(1)


def _table(findings: Iterable[Finding]) -> Table:
    table = Table("", "check", "result", "fix")
    for finding in findings:
        state = f"[{_STYLES[finding.state]}]{finding.state}[/]"
        table.add_row(state, escape(finding.name), escape(finding.detail), escape(finding.fix))
    return table


def _psql_command(run: Run | None) -> str | None:
    """The command that opens the database. Never shows a given URL, which may hold a password."""
    if run is not None and run.psql is not None:
        return f'{run.psql} "{run.database_url}"'
    if is_database_given():
        return f'{shutil.which("psql") or "psql"} "$DATABASE_URL"'
    return None
