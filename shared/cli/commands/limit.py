"""`switchyard limit`: list, set and remove limits on requests, tokens and spend."""

from __future__ import annotations

import asyncio

import click
from rich.markup import escape
from rich.table import Table

from shared.cli.failures import CommandFailed, converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.limits.changes import LimitChanges, LimitRow, NewLimit
from shared.limits.limit import EACH, OnBudget, Scope

_SCOPES = click.Choice([scope.value for scope in Scope])


@click.group(short_help="List, set and remove limits on requests, tokens and spend.")
def limit() -> None:
    """Limits: what a token, user, team, tier, end user, tag, model, key or everybody may use.

    Changes are in force everywhere within 2 s.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@limit.command("list")
@json_option
@failing_in_one_line()
def list_(as_json: bool) -> None:
    """List limits.

    \b
    Example: switchyard limit list
    """
    rows = asyncio.run(_limits().list())
    if as_json:
        print_json(rows)
        return
    table = Table("scope", "subject", "may use", "state")
    for row in rows:
        table.add_row(row.scope, escape(row.subject), _said(row), _state(row))
    print_table(table, "No limits. Set one with `switchyard limit set`.")


@limit.command("set")
@click.argument("scope", type=_SCOPES)
@click.argument("subject", default=EACH)
@click.option("--requests", type=int, help="Requests a minute.")
@click.option("--tokens", type=int, help="Tokens a minute, prompts and answers.")
@click.option("--concurrent", type=int, help="Requests that may be open at once.")
@click.option("--day", metavar="USD", help="USD a day.")
@click.option("--month", metavar="USD", help="USD a month.")
@click.option("--step-down", is_flag=True, help="Go on at a cheaper level once money runs out.")
@click.option("--soft", is_flag=True, help="Only count: refuse nothing.")
@click.option("--counts-own-keys", is_flag=True, help="Count what callers' own keys pay, too.")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose days and months.")
@json_option
@failing_in_one_line()
def set_(
    scope: str,
    subject: str,
    requests: int | None,
    tokens: int | None,
    concurrent: int | None,
    day: str | None,
    month: str | None,
    step_down: bool,
    soft: bool,
    counts_own_keys: bool,
    time_zone: str,
    as_json: bool,
) -> None:
    """Set what SUBJECT may use, in place of what was set before.

    Without SUBJECT, or with '*': each one that has no limit of its own. What is not named is not
    limited.

    \b
    Examples:
      switchyard limit set user alice --day 5 --requests 60
      switchyard limit set tier free --tokens 20000
      switchyard limit set all --month 2000
    """
    new = converted(
        {
            "scope": scope,
            "subject": subject,
            "requests_per_minute": requests,
            "tokens_per_minute": tokens,
            "concurrent_requests": concurrent,
            "budget_day_usd": day,
            "budget_month_usd": month,
            "is_soft": soft,
            "on_budget": OnBudget.STEP_DOWN if step_down else OnBudget.REFUSE,
            "counts_byok": counts_own_keys,
            "time_zone": time_zone,
        },
        NewLimit,
    )
    row = asyncio.run(_limits().set(new, Actor("switchyard limit set")))
    if as_json:
        print_json(row)
    else:
        click.echo(f"{row.scope} {row.subject}: {_said(row)}.", err=True)


@limit.command()
@click.argument("scope", type=_SCOPES)
@click.argument("subject", default=EACH)
@failing_in_one_line()
def remove(scope: str, subject: str) -> None:
    """Remove the limit of SUBJECT.

    \b
    Example: switchyard limit remove user alice
    """
    asyncio.run(_remove(scope, subject))
    click.echo(f"{scope} {subject} has no limit of its own any more.", err=True)


async def _remove(scope: str, subject: str) -> None:
    limits = _limits()
    found = [row for row in await limits.list() if (row.scope, row.subject) == (scope, subject)]
    if not found:
        raise CommandFailed(
            f"There is no limit of {scope} {subject!r}; see `switchyard limit list`."
        )
    await limits.delete(found[0].id, Actor("switchyard limit remove"))


def _limits() -> LimitChanges:
    return LimitChanges(CommandDatabase(database_url()))


def _said(row: LimitRow) -> str:
    amounts = (
        (row.requests_per_minute, "requests a minute"),
        (row.tokens_per_minute, "tokens a minute"),
        (row.concurrent_requests, "open requests"),
        (_usd(row.budget_day_usd), "USD a day"),
        (_usd(row.budget_month_usd), "USD a month"),
    )
    return ", ".join(f"{amount} {words}" for amount, words in amounts if amount is not None)


def _usd(amount: object) -> str | None:
    return None if amount is None else f"{amount:f}".rstrip("0").rstrip(".")


def _state(row: LimitRow) -> str:
    if not row.is_active:
        return "off"
    return "soft" if row.is_soft else "on"
