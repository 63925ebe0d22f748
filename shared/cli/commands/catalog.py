"""`switchyard catalog sync`: the providers' models and prices, from genai-prices."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from shared.catalog.sync import Change, ChangeKind, apply_sync, plan_sync, provider_slugs
from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.output import print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connect import connect_once
from shared.db.session import COMMAND_CONNECT_S

_ACTOR = Actor("switchyard catalog sync")
_STYLES = {
    ChangeKind.NEW: "green",
    ChangeKind.PRICE: "yellow",
    ChangeKind.KEPT: "dim",
    ChangeKind.GONE: "red",
}
_MEANINGS = {
    ChangeKind.NEW: "new (inactive)",
    ChangeKind.PRICE: "repriced",
    ChangeKind.KEPT: "priced by hand (kept)",
    ChangeKind.GONE: "not in genai-prices (left as they are)",
}


class _Report(msgspec.Struct, frozen=True):
    """`summary` counts the changes by kind."""

    applied: bool
    summary: dict[str, int]
    changes: list[Change]


@click.group(short_help="Update models and prices.")
def catalog() -> None:
    """The catalog of models and their prices.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@catalog.command()
@click.option("--apply", "is_applied", is_flag=True, help="Apply changes.  [default: show them]")
@click.option("--provider", "providers", multiple=True, help="Only this provider; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def sync(is_applied: bool, providers: tuple[str, ...], as_json: bool) -> None:
    """Compare the catalog with genai-prices, or update it.

    New models are added as inactive, and changed prices as new versions. Models are never switched
    on or off, and prices set by hand are kept.

    \b
    Example: switchyard catalog sync --provider openai --apply
    """
    changes = asyncio.run(_sync(providers, is_applied=is_applied))
    counts = Counter(change.kind for change in changes)
    if as_json:
        summary = {kind.value: counts[kind] for kind in ChangeKind}
        click.echo(msgspec.json.encode(_Report(is_applied, summary, changes)))
        return
    if changes:
        print_table(_table(changes))
    said = [f"{counts[kind]} {_MEANINGS[kind]}" for kind in ChangeKind if counts[kind]]
    click.echo("; ".join(said) + "." if said else "The catalog is up to date.", err=True)
    if not is_applied and (counts[ChangeKind.NEW] or counts[ChangeKind.PRICE]):
        click.echo("Nothing was changed. Run again with --apply to make these changes.", err=True)


async def _sync(providers: Sequence[str], *, is_applied: bool) -> list[Change]:
    at = datetime.now(UTC)
    async with connect_once(
        database_url(), "switchyard catalog", within_s=COMMAND_CONNECT_S
    ) as connection:
        slugs = await provider_slugs(connection)
        if unknown := set(providers) - set(slugs):
            raise CommandFailed(
                f"unknown provider {', '.join(sorted(unknown))}; choose from {', '.join(slugs)}"
            )
        steps = await plan_sync(connection, list(providers) or slugs, at)
        if is_applied:
            await apply_sync(connection, _ACTOR, steps, at)
    return [step.change for step in steps]


def _table(changes: Sequence[Change]) -> Table:
    table = Table("change", "provider", "model", "active", "old price", "new price")
    table.caption = "USD per million tokens, input / output; … means that long prompts cost more"
    for change in changes:
        table.add_row(
            f"[{_STYLES[change.kind]}]{change.kind}[/]",
            change.provider,
            escape(change.model_id),
            "yes" if change.is_active else "",
            change.was or "",
            change.becomes or "",
        )
    return table
