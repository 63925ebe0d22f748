"""`switchyard user` and `switchyard team`: who uses the gateway, what for, and who may not."""

from __future__ import annotations

import asyncio

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from shared.auth.teams import MemberRow, Membership, NewTeam, Teams
from shared.auth.users import ChangeUser, UserRow, Users
from shared.cli.failures import failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.ledger.rows_as_text import shown

_DAYS = click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Usage of so long."
)


@click.group(short_help="List users, show what one has and used, and block one.")
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
    table.add_row("state", "blocked" if row.is_blocked else "")
    table.add_row("tiers", ", ".join(row.tiers))
    table.add_row("valid tokens", str(row.tokens))
    table.add_row("own keys", ", ".join(row.own_keys))
    table.add_row("requests", f"{row.requests:,}")
    table.add_row("cost USD", f"{row.cost_usd:.6f}")
    table.add_row("last used", _day(row))
    print_table(table)


@user.command()
@click.argument("user_id", metavar="ID")
@failing_in_one_line()
def block(user_id: str) -> None:
    """Refuse a user with every token of theirs, within 2 s.

    \b
    Example: switchyard user block alice
    """
    change = ChangeUser(is_blocked=True)
    asyncio.run(_users().block(user_id, change, Actor("switchyard user block")))
    click.echo(f"{user_id} is blocked.", err=True)


@user.command()
@click.argument("user_id", metavar="ID")
@failing_in_one_line()
def unblock(user_id: str) -> None:
    """Let a user in again.

    \b
    Example: switchyard user unblock alice
    """
    change = ChangeUser(is_blocked=False)
    asyncio.run(_users().block(user_id, change, Actor("switchyard user unblock")))
    click.echo(f"{user_id} is not blocked.", err=True)


def _users() -> Users:
    return Users(CommandDatabase(database_url()))


def _print(rows: list[UserRow], *, as_json: bool) -> None:
    if as_json:
        print_json([shown(msgspec.structs.asdict(row)) for row in rows])
        return
    table = Table("user", "tiers", "tokens", "own keys", "requests", "cost USD", "last used", "")
    for row in rows:
        table.add_row(
            escape(row.user_id),
            " ".join(row.tiers),
            str(row.tokens),
            str(len(row.own_keys)),
            f"{row.requests:,}",
            f"{row.cost_usd:.6f}",
            _day(row),
            "blocked" if row.is_blocked else "",
        )
    print_table(table, "No users. Create a token with `switchyard token create`.")


def _day(row: UserRow) -> str:
    return "" if row.last_day is None else row.last_day.strftime("%Y-%m-%d")


@click.group(short_help="List, add and remove teams, and their members.")
def team() -> None:
    """Teams: whom tokens, usage and limits name by an id.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@team.command("list")
@json_option
@failing_in_one_line()
def list_teams(as_json: bool) -> None:
    """List teams and their members; a * is an admin of the team.

    \b
    Example: switchyard team list
    """
    rows = asyncio.run(_teams().list())
    if as_json:
        print_json(rows)
        return
    table = Table("team", "name", "members", "valid tokens", "state")
    for row in rows:
        members = " ".join(map(_member, row.members))
        state = "on" if row.is_active else "off"
        table.add_row(escape(row.id), escape(row.name), escape(members), str(row.tokens), state)
    print_table(table, "No teams. Add one with `switchyard team add`.")


@team.command("add")
@click.argument("team_id", metavar="ID")
@click.option("--name", help="What people call it.  [default: its id]")
@json_option
@failing_in_one_line()
def add_team(team_id: str, name: str | None, as_json: bool) -> None:
    """Add a team.

    \b
    Example: switchyard team add search --name 'Search and ranking'
    """
    new = NewTeam(name=name or team_id, id=team_id)
    row = asyncio.run(_teams().create(new, Actor("switchyard team add")))
    if as_json:
        print_json(row)
    else:
        click.echo(f"Team {row.id} is there. Add members with `switchyard team join`.", err=True)


@team.command("remove")
@click.argument("team_id", metavar="ID")
@failing_in_one_line()
def remove_team(team_id: str) -> None:
    """Remove a team that has no valid token; its usage stays.

    \b
    Example: switchyard team remove search
    """
    asyncio.run(_teams().delete(team_id, Actor("switchyard team remove")))
    click.echo(f"The team {team_id} has been removed.", err=True)


@team.command()
@click.argument("team_id", metavar="ID")
@click.argument("user_id", metavar="USER")
@click.option("--admin", "is_admin", is_flag=True, help="May change who belongs to the team.")
@failing_in_one_line()
def join(team_id: str, user_id: str, is_admin: bool) -> None:
    """Add USER to a team.

    \b
    Example: switchyard team join search alice --admin
    """
    member = Membership(is_admin=is_admin)
    asyncio.run(_teams().put_member(team_id, user_id, member, Actor("switchyard team join")))
    click.echo(f"{user_id} is in the team {team_id}.", err=True)


@team.command()
@click.argument("team_id", metavar="ID")
@click.argument("user_id", metavar="USER")
@failing_in_one_line()
def leave(team_id: str, user_id: str) -> None:
    """Remove USER from a team, and revoke their tokens of it.

    \b
    Example: switchyard team leave search alice
    """
    asyncio.run(_teams().remove_member(team_id, user_id, Actor("switchyard team leave")))
    click.echo(f"{user_id} is no longer in the team {team_id}.", err=True)


def _teams() -> Teams:
    return Teams(CommandDatabase(database_url()))


def _member(member: MemberRow) -> str:
    return f"{member.user_id}*" if member.is_admin else member.user_id
