"""`switchyard rule`: list, add and remove the rules that say which models serve a level."""

from __future__ import annotations

import asyncio
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import NewRule
from shared.catalog.rules import RuleRow
from shared.cli.failures import converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase


@click.group(short_help="List, add and remove routing rules.")
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
@click.argument("level")
@click.argument("model")
@click.option("--tier", "user_tier", help="Lowest tier it holds for.  [default: all]")
@click.option("--task", "task_type", help="Only requests of this task type.")
@click.option("--priority", type=int, help="Higher ones are tried first.  [default: 0]")
@click.option("--weight", type=int, help="Share among equals.  [default: 100]")
@click.option("--min-tokens", type=int, help="Only prompts at least this long.")
@click.option("--max-tokens", type=int, help="Only prompts at most this long.")
@click.option("--byok", "requires_byok", is_flag=True, help="Only callers with their own key.")
@click.option(
    "--fallback", "fallback_order", type=int, help="Try it after the rest, in this order."
)
@click.option("--off", "is_off", is_flag=True, help="Add it switched off.")
@json_option
@failing_in_one_line()
def add(level: str, model: str, is_off: bool, as_json: bool, **given: Any) -> None:
    """Let MODEL serve LEVEL.

    \b
    Example: switchyard rule add eco groq/openai/gpt-oss-20b --tier free --priority 10
    """
    fields = {key: value for key, value in given.items() if value not in (None, False)}
    fields |= {"power_level": level, "model": model, "is_active": not is_off}
    fields["is_fallback"] = given["fallback_order"] is not None
    row = asyncio.run(_rules().create(converted(fields, NewRule), Actor("switchyard rule add")))
    if as_json:
        print_json(row)
        return
    click.echo(f"Rule {row.id}: {row.provider}/{row.model} serves {row.power_level}.", err=True)


@rule.command()
@click.argument("rule_id", metavar="ID", type=int)
@failing_in_one_line()
def remove(rule_id: int) -> None:
    """Remove a rule."""
    asyncio.run(_rules().delete(rule_id, Actor("switchyard rule remove")))
    click.echo(f"Rule {rule_id} has been removed.", err=True)


def _rules() -> Rules:
    return Rules(CommandDatabase(database_url()))


def _when(row: RuleRow) -> str:
    """What a request has to be, beside its level and tier."""
    said = [] if row.task_type is None else [row.task_type]
    if row.min_tokens is not None:
        said.append(f"from {row.min_tokens:,} tokens")
    if row.max_tokens is not None:
        said.append(f"to {row.max_tokens:,} tokens")
    return ", ".join([*said, *(["own key"] if row.requires_byok else [])])
