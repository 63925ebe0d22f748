"""`switchyard catalog sync`: models and prices of the providers, from genai-prices."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.catalog.sync import Change, ChangeKind, apply_sync, plan_sync, provider_slugs
from shared.cli.failures import CommandFailed, failing_in_one_line
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
    ChangeKind.NEW: "new, switched off",
    ChangeKind.PRICE: "priced anew",
    ChangeKind.KEPT: "priced by hand, kept",
    ChangeKind.GONE: "unknown to genai-prices, left as they are",
}


class _Report(msgspec.Struct, frozen=True):
    """`summary` counts the changes by kind."""

    applied: bool
    summary: dict[str, int]
    changes: list[Change]


@click.group(short_help="Bring models and prices of the providers up to date.")
def catalog() -> None:
    """The catalog: which models there are, and what they cost.

    Works on DATABASE_URL, else on the database of a running `switchyard up`.
    """


@catalog.command()
@click.option("--apply", "is_applied", is_flag=True, help="Make the changes.  [default: show them]")
@click.option("--provider", "providers", multiple=True, help="Only this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def sync(is_applied: bool, providers: tuple[str, ...], as_json: bool) -> None:
    """Compare the catalog with genai-prices, and show what differs.

    With --apply new models arrive switched off and prices as new versions. Nothing is ever
    switched on or off, and a price that was set by hand stays.
    """
    changes = asyncio.run(_sync(providers, is_applied=is_applied))
    counts = Counter(change.kind for change in changes)
    if as_json:
        summary = {kind.value: counts[kind] for kind in ChangeKind}
        click.echo(msgspec.json.encode(_Report(is_applied, summary, changes)))
        return
    if changes:
        Console().print(_table(changes))
    said = [f"{counts[kind]} {_MEANINGS[kind]}" for kind in ChangeKind if counts[kind]]
    click.echo("; ".join(said) + "." if said else "Nothing differs.", err=True)
    if not is_applied and (counts[ChangeKind.NEW] or counts[ChangeKind.PRICE]):
        click.echo("Nothing was changed: --apply makes the changes.", err=True)


async def _sync(providers: Sequence[str], *, is_applied: bool) -> list[Change]:
    at = datetime.now(UTC)
    async with connect_once(
        database_url(), "switchyard catalog", within_s=COMMAND_CONNECT_S
    ) as connection:
        slugs = await provider_slugs(connection)
        if unknown := set(providers) - set(slugs):
            raise CommandFailed(
                f"there is no provider {', '.join(sorted(unknown))}; there are: {', '.join(slugs)}"
            )
        steps = await plan_sync(connection, list(providers) or slugs, at)
        if is_applied:
            await apply_sync(connection, _ACTOR, steps, at)
    return [step.change for step in steps]


def _table(changes: Sequence[Change]) -> Table:
    table = Table("change", "provider", "model", "on", "was", "becomes")
    table.caption = "USD per million tokens, input / output; … where long prompts cost more"
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
