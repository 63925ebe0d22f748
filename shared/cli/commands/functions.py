"""`switchyard functions`: list what can be deployed, and how to run it."""

from __future__ import annotations

import textwrap

import click
import msgspec
from rich.table import Table

from shared.cli.cold_start import ColdStart, measure
from shared.cli.deployables import Deployable, deployables
from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.output import print_table

_WIDTH = 86


class _Measured(msgspec.Struct, frozen=True):
    name: str
    cold_start: ColdStart


@click.command(short_help="List what can be deployed, and how to run it.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--measure", "measures", is_flag=True, help="Measure import time and memory.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@failing_in_one_line()
def functions(names: tuple[str, ...], measures: bool, as_json: bool) -> None:
    """List every function and process with its command, routes, jobs and settings.

    Settings in brackets are optional. Those that every process has, such as LOG_LEVEL, appear only
    with --json. Needs no settings and connects to nothing.

    \b
    Example: switchyard functions models --json
    """
    chosen = _chosen(names)
    if measures:
        _print_measures([_Measured(each.name, measure(each.module)) for each in chosen], as_json)
    elif as_json:
        click.echo(msgspec.json.encode(chosen))
    else:
        click.echo("\n\n".join("\n".join(_lines(each)) for each in chosen))


def _chosen(names: tuple[str, ...]) -> list[Deployable]:
    known = {each.name: each for each in deployables()}
    if unknown := [name for name in names if name not in known]:
        raise CommandFailed(f"unknown function {unknown[0]}; choose from {', '.join(known)}")
    return [known[name] for name in names or known]


def _lines(deployable: Deployable) -> list[str]:
    """Its name and triggers, then at least one indented line for each fact."""
    facts = {
        "run": [deployable.problem or deployable.command],
        "routes": [f"{route.method} {route.path}" for route in deployable.routes],
        "jobs": [f"{job.name} {job.schedule or ''}".rstrip() for job in deployable.jobs],
        "settings": textwrap.wrap(", ".join(_settings(deployable)), _WIDTH),
    }
    lines = [f"{deployable.name}: {', '.join(deployable.triggers)}"]
    for name, values in facts.items():
        lines += [f"  {name if at == 0 else '':<9} {value}" for at, value in enumerate(values)]
    return lines


def _settings(deployable: Deployable) -> list[str]:
    required = deployable.required
    return [name if name in required else f"[{name}]" for name in deployable.settings]


def _print_measures(measured: list[_Measured], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(measured))
        return
    table = Table("function", "import, ms", "memory, MB", "modules")
    for each in measured:
        start = each.cold_start
        table.add_row(
            each.name, f"{start.import_ms:.0f}", f"{start.memory_mb:.0f}", str(start.modules)
        )
    print_table(table)
