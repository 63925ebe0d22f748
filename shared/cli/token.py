"""`switchyard token`: create, list, revoke and rotate access tokens.

A token is printed once, alone on stdout; the database keeps only its digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from shared.auth.caller import Role
from shared.auth.scope import Scope
from shared.auth.token import mint
from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.services import database_url
from shared.db import access_tokens
from shared.db.audit import Actor, append_audit_from_command
from shared.db.session import SESSION
from shared.routing.snapshot import Tier

ROTATION_OVERLAP = timedelta(hours=24)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", value)
        if match is None:
            self.fail(f"{value!r} is not a duration; use 30d, 12h, 45m or 2w", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


@click.group(short_help="Create, list, revoke and rotate access tokens.")
def token() -> None:
    """Access tokens, which callers authenticate with.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@token.command()
@click.option("--user", "user_id", required=True, metavar="ID", help="The user it belongs to.")
@click.option("--tier", required=True, type=click.Choice([tier.value for tier in Tier]))
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="user", show_default=True
)
@click.option("--team", "team_id", metavar="ID", help="The user's team.")
@click.option("--name", help="What the token is for.  [default: the user's id]")
@click.option("--expires", type=_Duration(), metavar="30d", help="Lifetime.  [default: no end]")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Allow only this scope; repeatable.  [default: all that the role allows]",
)
@click.option("--model", "models", multiple=True, help="Allow only this model; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def create(
    user_id: str,
    tier: str,
    role: str,
    team_id: str | None,
    name: str | None,
    expires: timedelta | None,
    scopes: tuple[str, ...],
    models: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create a token and print it, once, alone on stdout.

    \b
    Example: switchyard token create --user alice --tier professional --expires 30d
    """
    minted = mint()
    expires_at = None if expires is None else datetime.now(UTC) + expires
    with _connect() as connection, connection.transaction():
        token_id = access_tokens.create_token(
            connection,
            token=minted,
            name=name or user_id,
            user_id=user_id,
            team_id=team_id,
            tier=tier,
            role=role,
            scopes=sorted(set(scopes)),
            allowed_models=list(models) or None,
            expires_at=expires_at,
            created_by="switchyard token create",
        )
        details = {"user": user_id, "role": role, "tier": tier, "scopes": sorted(set(scopes))}
        _audit(connection, "create", "token.created", token_id, details)
    _print_secret(token_id, minted, as_json=as_json)
    until = "it is revoked" if expires_at is None else f"{expires_at:%Y-%m-%d %H:%M} UTC"
    click.echo(
        f"Token {token_id} for {user_id} is valid until {until}. It will not be shown again.",
        err=True,
    )


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@failing_in_one_line()
def list_(as_json: bool) -> None:
    """List all tokens, by their first and last characters."""
    with _connect() as connection:
        rows = access_tokens.list_tokens(connection)
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    table = Table("id", "token", "name", "user", "team", "tier", "role", "scopes", "state")
    for row in rows:
        table.add_row(
            str(row.id),
            f"{row.prefix}…{row.suffix}",
            row.name,
            row.user_id,
            row.team_id or "",
            row.tier,
            row.role,
            " ".join(row.scopes) or "all",
            _state(row),
        )
    Console().print(table)


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@failing_in_one_line()
def revoke(token_id: int) -> None:
    """Revoke a token; every process refuses it within 2 s."""
    with _connect() as connection, connection.transaction():
        if not access_tokens.revoke_token(connection, token_id):
            raise _no_such(token_id)
        _audit(connection, "revoke", "token.revoked", token_id, {})
    click.echo(f"Token {token_id} has been revoked.", err=True)


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@failing_in_one_line()
def rotate(token_id: int, as_json: bool) -> None:
    """Replace a token, and print the new one.

    The old token stays valid for 24 hours.
    """
    minted = mint()
    with _connect() as connection, connection.transaction():
        new_id = access_tokens.rotate_token(
            connection, token_id, token=minted, overlap=ROTATION_OVERLAP
        )
        if new_id is None:
            raise _no_such(token_id)
        _audit(connection, "rotate", "token.rotated", token_id, {"to": new_id})
    _print_secret(new_id, minted, as_json=as_json)
    click.echo(
        f"Token {new_id} replaces token {token_id}, which expires in 24 hours."
        " It will not be shown again.",
        err=True,
    )


def _connect() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        database_url(), application_name="switchyard token", connect_timeout=10, **SESSION
    )


def _audit(
    connection: psycopg.Connection[tuple[object, ...]],
    command: str,
    action: str,
    token_id: int,
    details: Mapping[str, object],
) -> None:
    actor = Actor(f"switchyard token {command}")
    append_audit_from_command(
        connection, actor, action, "access_token", token_id, details=details or None
    )


def _print_secret(token_id: int, minted: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode({"id": token_id, "token": minted}) if as_json else minted)


def _no_such(token_id: int) -> CommandFailed:
    return CommandFailed(f"there is no active token {token_id}; see `switchyard token list`")


def _state(row: access_tokens.TokenRow) -> str:
    if row.revoked_at is not None:
        return f"revoked {_day(row.revoked_at)}"
    if row.expires_at is None:
        return "valid"
    word = "expired" if row.expires_at <= datetime.now(UTC) else "until"
    return f"{word} {_day(row.expires_at)}"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d")
