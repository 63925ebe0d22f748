"""`switchyard rule`: list, try, add and remove the rules that say which models serve a level."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import click
from rich.markup import escape
from rich.table import Table

from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import NewRule
from shared.catalog.rules import RuleRow
from shared.cli.ask_gateway import gateway_to_ask, post_json, url_option
from shared.cli.commands.route import print_explanation, sized
from shared.cli.failures import converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.routing.deployment import Tier

_DRY_RUN = "/api/v1/admin/llm/dry-run"


def rule_options(command: Any) -> Any:
    """The arguments and options that say what a rule is; `_given` makes a NewRule of them."""
    for option in reversed(_RULE_OPTIONS):
        command = option(command)
    return command


_RULE_OPTIONS = (
    click.argument("level"),
    click.argument("model"),
    click.option("--tier", "user_tier", help="Lowest tier it holds for.  [default: all]"),
    click.option("--task", "task_type", help="Only requests of this task type."),
    click.option("--priority", type=int, help="Higher ones are tried first.  [default: 0]"),
    click.option("--weight", type=int, help="Share among equals.  [default: 100]"),
    click.option("--min-tokens", type=int, help="Only prompts at least this long."),
    click.option("--max-tokens", type=int, help="Only prompts at most this long."),
    click.option("--byok", "requires_byok", is_flag=True, help="Only callers with their own key."),
    click.option(
        "--fallback", "fallback_order", type=int, help="Try it after the rest, in this order."
    ),
)


@click.group(short_help="List, try, add and remove routing rules.")
def rule() -> None:
    """Routing rules: which models serve a power level, for which tier and task.

    Changes are in force everywhere within 2 s.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@rule.command("list")
@click.option("--level", metavar="LEVEL", help="Only rules of this power level.")
@json_option
@failing_in_one_line()
def list_(level: str | None, as_json: bool) -> None:
    """List rules in the order they are tried.

    \b
    Example: switchyard rule list --level eco
    """
    rows = asyncio.run(_rules().list())
    rows = [row for row in rows if level is None or row.power_level == level]
    if as_json:
        print_json(rows)
        return
    table = Table("id", "level", "tier", "model", "when", "priority", "weight", "state")
    for row in rows:
        table.add_row(
            str(row.id),
            row.power_level,
            row.user_tier,
            escape(f"{row.provider}/{row.model}"),
            escape(_when(row)),
            f"fallback {row.fallback_order or 0}" if row.is_fallback else str(row.priority),
            str(row.weight),
            "on" if row.is_active else "off",
        )
    print_table(table, "No rules. Add one with `switchyard rule add`.")


@rule.command()
@rule_options
@click.option("--off", "is_off", is_flag=True, help="Add it switched off.")
@json_option
@failing_in_one_line()
def add(is_off: bool, as_json: bool, **given: Any) -> None:
    """Let MODEL serve LEVEL.

    \b
    Example:
      switchyard rule add eco groq/openai/gpt-oss-20b --tier free --priority 10
    """
    new = converted(_fields(given) | {"is_active": not is_off}, NewRule)
    row = asyncio.run(_rules().create(new, Actor("switchyard rule add")))
    if as_json:
        print_json(row)
        return
    click.echo(f"Rule {row.id}: {row.provider}/{row.model} serves {row.power_level}.", err=True)


@rule.command("try")
@rule_options
@click.option("--prompt", default="Hello", help="What the request says.  [default: Hello]")
@click.option("--tokens", type=click.IntRange(1, 2_000_000), help="Assume a prompt this long.")
@click.option("--as-tier", type=click.Choice(list(Tier)), help="Ask as a caller of this tier.")
@click.option("--as-user", metavar="ID", help="Ask as this user, with their own keys.")
@click.option("--session", help="Session id, which decides among equals.")
@url_option
@click.option("--token", metavar="TOKEN", help="An admin's access token.")
@json_option
@failing_in_one_line()
def try_(
    prompt: str,
    tokens: int | None,
    as_tier: str | None,
    as_user: str | None,
    session: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Show where a request of LEVEL would go if MODEL served it, without adding the rule.

    \b
    Example:
      switchyard rule try eco openai/gpt-6-luna --priority 200 --as-tier free
    """
    url, headers = gateway_to_ask(url, token)
    if session is not None:
        headers["x-session-id"] = session
    draft = _fields(given)
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": sized(prompt, tokens)}],
        "power_level": draft["power_level"],
    }
    if "task_type" in draft:
        request["task_type"] = draft["task_type"]
    asked = {"tier": as_tier, "user": as_user}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    body = {"change": {"rule": draft}, "request": request}
    answer = post_json(url, f"{_DRY_RUN}?{query}", body, headers)
    if as_json:
        print_json(answer)
        return
    click.echo(f"Now: {_first(answer['was'])}. With the rule: {_first(answer['would_be'])}.")
    print_explanation(answer["would_be"])


@rule.command()
@click.argument("rule_id", metavar="ID", type=int)
@json_option
@failing_in_one_line()
def remove(rule_id: int, as_json: bool) -> None:
    """Remove a rule.

    \b
    Example: switchyard rule remove 4
    """
    asyncio.run(_rules().delete(rule_id, Actor("switchyard rule remove")))
    if as_json:
        print_json({"id": rule_id, "deleted": True})
        return
    click.echo(f"Rule {rule_id} has been removed.", err=True)


def _rules() -> Rules:
    return Rules(CommandDatabase(database_url()))


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """A rule's fields, from the options that were given: 0 is given, too."""
    fields = {
        key: value for key, value in given.items() if value is not None and value is not False
    }
    fields["power_level"] = fields.pop("level")
    return fields | {"is_fallback": "fallback_order" in fields}


def _first(explanation: dict[str, Any] | None) -> str:
    if explanation is None:
        return "nothing serves it"
    first = explanation["candidates"][0]
    return f"{first['provider']}/{first['model']}"


def _when(row: RuleRow) -> str:
    """What a request has to be, beside its level and tier."""
    said = [] if row.task_type is None else [row.task_type]
    if row.min_tokens is not None:
        said.append(f"from {row.min_tokens:,} tokens")
    if row.max_tokens is not None:
        said.append(f"to {row.max_tokens:,} tokens")
    return ", ".join([*said, *(["own key"] if row.requires_byok else [])])
