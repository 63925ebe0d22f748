"""`switchyard user`: who uses the gateway, and what they used lately."""

from __future__ import annotations

import asyncio

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from shared.auth.users import UserRow, Users
from shared.cli.failures import failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.connections import CommandDatabase
from shared.ledger.rows_as_text import shown

_DAYS = click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Usage of so long."
)


@click.group(short_help="List users, and show what one has and used.")
def user() -> None:
    """Users: whoever has an access token, a provider key of their own, or usage.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@user.command("list")
@_DAYS
@json_option
@failing_in_one_line()
def list_(days: int, as_json: bool) -> None:
    """List users, those who cost most first.

    \b
    Example: switchyard user list --days 7
    """
    _print(asyncio.run(_users().list(days)), as_json=as_json)


@user.command()
@click.argument("user_id", metavar="ID")
@_DAYS
@json_option
@failing_in_one_line()
def show(user_id: str, days: int, as_json: bool) -> None:
    """Show one user.

    \b
    Example: switchyard user show alice
    """
    row = asyncio.run(_users().find(user_id, days))
    if as_json:
        print_json(shown(msgspec.structs.asdict(row)))
        return
    table = Table("", "", show_header=False)
    table.add_row("user", escape(row.user_id))
    table.add_row("tiers", ", ".join(row.tiers))
    table.add_row("valid tokens", str(row.tokens))
    table.add_row("own keys", ", ".join(row.own_keys))
    table.add_row("requests", f"{row.requests:,}")
    table.add_row("cost USD", f"{row.cost_usd:.6f}")
    table.add_row("last used", _day(row))
    print_table(table)


def _users() -> Users:
    return Users(CommandDatabase(database_url()))


def _print(rows: list[UserRow], *, as_json: bool) -> None:
    if as_json:
        print_json([shown(msgspec.structs.asdict(row)) for row in rows])
        return
    table = Table("user", "tiers", "tokens", "own keys", "requests", "cost USD", "last used")
    for row in rows:
        table.add_row(
            escape(row.user_id),
            " ".join(row.tiers),
            str(row.tokens),
            str(len(row.own_keys)),
            f"{row.requests:,}",
            f"{row.cost_usd:.6f}",
            _day(row),
        )
    print_table(table, "No users. Create a token with `switchyard token create`.")


def _day(row: UserRow) -> str:
    return "" if row.last_day is None else row.last_day.strftime("%Y-%m-%d")
