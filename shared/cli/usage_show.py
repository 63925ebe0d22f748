"""`switchyard usage show`: sums of usage by day, model, user and the like."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from shared.cli.failures import failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.cli.usage_options import (
    Day,
    end_option,
    model_option,
    provider_option,
)
from shared.db.connections import CommandDatabase
from shared.ledger.filters import UsageFilters
from shared.ledger.rows_as_text import shown
from shared.ledger.summary import GROUPS, SUMS, Summary, summary_of

_DAYS = 30


@click.command("show")
@click.option(
    "--by",
    "groups",
    multiple=True,
    type=click.Choice(GROUPS),
    default=("day",),
    show_default=True,
    help="Repeatable: one line for each combination.",
)
@click.option("--start", type=Day(), metavar="DATE", help="First UTC day.  [default: 30 days ago]")
@end_option
@click.option("--user", "user_id", metavar="ID", help="Only this user.")
@click.option("--end-user", metavar="NAME", help="Only this end user.")
@click.option("--tag", help="Only requests with this tag.")
@provider_option
@model_option
@json_option
@failing_in_one_line()
def show_command(
    groups: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    user_id: str | None,
    end_user: str | None,
    tag: str | None,
    provider: str | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Show how much was used, and what it cost.

    \b
    Example: switchyard usage show --by model --by user --start 2026-11-01
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    filters = UsageFilters(
        user_id,
        start=start or today - timedelta(days=_DAYS),
        end=end,
        provider=provider,
        model=model,
        end_user=end_user,
        tag=tag,
    )
    keys = list(dict.fromkeys(groups))
    found = asyncio.run(summary_of(CommandDatabase(database_url()), filters, keys))
    if as_json:
        print_json({"data": [shown(row) for row in found.groups], "total": shown(found.total)})
        return
    print_table(_table(found), "Nothing was used.")


def _table(found: Summary) -> Table:
    names = [name for row in found.groups[:1] for name in row if name not in SUMS]
    table = Table(*names, "requests", "prompt", "completion", "cost USD", "billed USD")
    for row in found.groups:
        table.add_row(*(escape(_text(row[name])) for name in names), *_sums(row))
    if len(found.groups) > 1:
        table.add_section()
        table.add_row("total", *[""] * (len(names) - 1), *_sums(found.total))
    return table


def _sums(row: Mapping[str, Any]) -> Sequence[str]:
    tokens = [f"{row[name]:,}" for name in ("requests", "prompt_tokens", "completion_tokens")]
    return [*tokens, _usd(row["cost_usd"]), _usd(row["billed_usd"])]


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
