"""`switchyard provider`: list, add and test providers, and switch them on and off."""

from __future__ import annotations

import asyncio
from typing import Any, get_args
from urllib.parse import quote

import click
from rich.markup import escape
from rich.table import Table

from shared.catalog.provider_changes import ChangeProvider, NewProvider, Providers
from shared.catalog.providers import ProviderRow
from shared.cli.ask_gateway import gateway_to_ask, post_json, url_option
from shared.cli.failures import converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.routing.deployment import Opens
from shared.upstream.provider_admin import providers_over
from shared.wire.provider import DialectName

_SLUG = click.argument("slug", metavar="PROVIDER")
_OPENS = click.Choice([one.value for one in Opens])
_COLORS = {"healthy": "green", "degraded": "yellow", "down": "red", "unknown": "dim"}


@click.group(short_help="List, add and test providers; switch them on and off.")
def provider() -> None:
    """Providers: where models are served. Changes are in force everywhere within 2 s.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@provider.command("list")
@json_option
@failing_in_one_line()
def list_(as_json: bool) -> None:
    """List providers, with their keys and health.

    \b
    Example: switchyard provider list
    """
    rows = asyncio.run(_providers().list())
    if as_json:
        print_json(rows)
        return
    table = Table("provider", "base URL", "state", "opens", "health", "stored key", "users' keys")
    for row in rows:
        color = _COLORS.get(row.health_status, "dim")
        table.add_row(
            row.provider,
            escape(row.base_url),
            "on" if row.is_active else "off",
            row.opens,
            f"[{color}]{row.health_status}[/]",
            "yes" if row.has_system_key else "",
            str(row.user_keys or ""),
        )
    print_table(table, "No providers. Run `switchyard migrate`, or add one.")


@provider.command()
@_SLUG
@click.option("--url", "base_url", required=True, help="With its version, as in https://…/v1.")
@click.option("--dialect", type=click.Choice(get_args(DialectName)), help="[default: openai]")
@click.option("--auth", "auth_type", type=click.Choice(["bearer", "x-api-key", "none"]))
@click.option("--local", "is_local", is_flag=True, help="Your own server; it may be private.")
@click.option("--opens", type=_OPENS, help="Unlisted models that it serves.  [default: priced]")
@click.option("--name", help="How it is shown.  [default: PROVIDER]")
@json_option
@failing_in_one_line()
def add(slug: str, is_local: bool, as_json: bool, **given: Any) -> None:
    """Add a provider that speaks OpenAI's or Anthropic's API.

    \b
    Example:
      switchyard provider add ollama --local --auth none \\
        --url http://127.0.0.1:11434/v1
    """
    fields = {key: value for key, value in given.items() if value is not None}
    new = converted({"provider": slug, "is_local": is_local, **fields}, NewProvider)
    row = asyncio.run(_providers().create(new, Actor("switchyard provider add")))
    _done(row, "was added; add its models with `switchyard model add`.", as_json)


@provider.command()
@_SLUG
@json_option
@failing_in_one_line()
def on(slug: str, as_json: bool) -> None:
    """Switch a provider on.

    \b
    Example: switchyard provider on groq
    """
    _done(_switch(slug, "switchyard provider on", is_active=True), "is on.", as_json)


@provider.command()
@_SLUG
@json_option
@failing_in_one_line()
def off(slug: str, as_json: bool) -> None:
    """Switch a provider off; nothing is sent to it any more.

    \b
    Example: switchyard provider off groq
    """
    _done(_switch(slug, "switchyard provider off", is_active=False), "is off.", as_json)


@provider.command()
@_SLUG
@click.argument("which", type=_OPENS)
@json_option
@failing_in_one_line()
def opens(slug: str, which: str, as_json: bool) -> None:
    """Say which models of a provider are served that are not listed.

    \b
    listed  none
    priced  those with a known price; with a user's own key any
    any     any, even if nothing is known of them

    \b
    Example: switchyard provider opens ollama any
    """
    change = ChangeProvider(opens=Opens(which))
    row = asyncio.run(_providers().change(slug, change, Actor("switchyard provider opens")))
    _done(row, f"opens: {row.opens}.", as_json)


@provider.command()
@_SLUG
@url_option
@click.option("--token", metavar="TOKEN", help="An admin's access token.")
@json_option
@failing_in_one_line()
def test(slug: str, url: str | None, token: str | None, as_json: bool) -> None:
    """Ask a provider whether it answers, and takes the platform's key. Nothing is billed.

    The gateway asks, as it would for a completion. Exits with status 1 if the provider cannot be
    reached or refuses the key.

    \b
    Example: switchyard provider test openai
    """
    url, headers = gateway_to_ask(url, token)
    path = f"/api/v1/admin/llm/providers/{quote(slug, safe='')}/test"
    answer = post_json(url, path, {}, headers)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{slug}: {answer['detail']} ({answer['response_time_ms']} ms)")
    if not answer["is_reachable"] or answer["key"] == "refused":
        click.get_current_context().exit(1)


def _providers() -> Providers:
    return providers_over(CommandDatabase(database_url()))


def _switch(slug: str, command: str, *, is_active: bool) -> ProviderRow:
    change = ChangeProvider(is_active=is_active)
    return asyncio.run(_providers().change(slug, change, Actor(command)))


def _done(row: ProviderRow, what: str, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        click.echo(f"{row.provider} {what}", err=True)
