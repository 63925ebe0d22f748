"""`switchyard functions`: list what can be deployed, and how each is run."""

from __future__ import annotations

import textwrap

import click
import msgspec
from rich.console import Console
from rich.table import Table

from shared.cli.cold_start import ColdStart, measure
from shared.cli.deployables import Deployable, deployables
from shared.cli.failures import CommandFailed, failing_in_one_line

_WIDTH = 86


class _Measured(msgspec.Struct, frozen=True):
    name: str
    cold_start: ColdStart


@click.command(short_help="List what can be deployed alone, and how.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--measure", "measures", is_flag=True, help="Measure how long each takes to import.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@failing_in_one_line()
def functions(names: tuple[str, ...], measures: bool, as_json: bool) -> None:
    """List each function, and the processes that run several: routes, jobs, settings, command.

    Settings in brackets have a default; those of every process (LOG_LEVEL and the like) are in
    --json only. Nothing is opened, and no setting is needed.
    """
    chosen = _chosen(names)
    if measures:
        _print_measures([_Measured(one.name, measure(one.module)) for one in chosen], as_json)
    elif as_json:
        click.echo(msgspec.json.encode(chosen))
    else:
        click.echo("\n\n".join("\n".join(_lines(one)) for one in chosen))


def _chosen(names: tuple[str, ...]) -> list[Deployable]:
    known = {one.name: one for one in deployables()}
    if unknown := [name for name in names if name not in known]:
        raise CommandFailed(f"there is no function {unknown[0]}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def _lines(one: Deployable) -> list[str]:
    """The function's name and triggers, then an indented line or more for each fact."""
    facts = {
        "run": [one.problem or one.command],
        "routes": [f"{route.method} {route.path}" for route in one.routes],
        "jobs": [f"{job.name} {job.schedule or ''}".rstrip() for job in one.jobs],
        "settings": textwrap.wrap(", ".join(_settings(one)), _WIDTH),
    }
    lines = [f"{one.name}: {', '.join(one.triggers)}"]
    for name, values in facts.items():
        lines += [f"  {name if at == 0 else '':<9} {value}" for at, value in enumerate(values)]
    return lines


def _settings(one: Deployable) -> list[str]:
    return [name if name in one.required else f"[{name}]" for name in one.settings]


def _print_measures(measured: list[_Measured], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(measured))
        return
    table = Table("function", "import, ms", "memory, MB", "modules")
    for one in measured:
        start = one.cold_start
        table.add_row(
            one.name, f"{start.import_ms:.0f}", f"{start.memory_mb:.0f}", str(start.modules)
        )
    Console().print(table)
