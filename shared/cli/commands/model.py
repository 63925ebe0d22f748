"""`switchyard model`: list, show, add and price models, and switch them on and off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from shared.catalog.model_changes import ChangeModel, Models, NewModel
from shared.catalog.models import ModelRow
from shared.cli.failures import CommandFailed, converted, failing_in_one_line
from shared.cli.output import json_option, print_json, print_table
from shared.cli.services import database_url
from shared.cli.usage_options import Usd
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.routing.deployment import Kind
from shared.routing.snapshot import Tier

_MODEL = click.argument("name", metavar="MODEL")
_PARTS = ("input", "output", "cached", "cache_write")


@click.group(short_help="List, add and price models; switch them on and off.")
def model() -> None:
    """Models: what callers can ask for, and at what price.

    MODEL is a listed id, or provider/id where several providers have it. Changes are in force
    everywhere within 2 s.

    Uses DATABASE_URL, or else the database of a running `switchyard up`.
    """


@model.command("list")
@click.option("--provider", metavar="SLUG", help="Only this provider's models.")
@click.option("--level", metavar="LEVEL", help="Only models of this power level.")
@click.option("--all", "every", is_flag=True, help="Include models that are switched off.")
@json_option
@failing_in_one_line()
def list_(provider: str | None, level: str | None, every: bool, as_json: bool) -> None:
    """List models with their prices.

    \b
    Example: switchyard model list --provider openai
    """
    rows = asyncio.run(_models().list(provider))
    rows = [row for row in rows if every or row.is_active]
    rows = [row for row in rows if level is None or row.power_level == level]
    if as_json:
        print_json(rows)
        return
    table = Table("model", "level", "USD in", "USD out", "context", "state")
    table.caption = "USD per million tokens"
    for row in rows:
        base = _base(row)
        table.add_row(
            escape(_full_name(row)),
            row.power_level or "",
            base.get("input") or "unknown",
            base.get("output") or "unknown",
            "" if row.context_window is None else f"{row.context_window:,}",
            _state(row),
        )
    print_table(table, "No models. Add one with `switchyard model add`, or see --all.")


@model.command()
@_MODEL
@json_option
@failing_in_one_line()
def show(name: str, as_json: bool) -> None:
    """Show all that is known of a model.

    \b
    Example: switchyard model show openai/gpt-6.1-terra
    """
    _print(asyncio.run(_find(_models(), name)), as_json=as_json)


@model.command()
@_MODEL
@click.option("--level", "power_level", metavar="LEVEL", help="Power level that may pick it.")
@click.option("--input", "input_", type=Usd(), metavar="USD", help="Per million prompt tokens.")
@click.option("--output", type=Usd(), metavar="USD", help="Per million completion tokens.")
@click.option("--cached", type=Usd(), metavar="USD", help="Per million cached prompt tokens.")
@click.option("--cache-write", type=Usd(), metavar="USD", help="Per million tokens cached.")
@click.option("--context", "context_window", type=click.IntRange(1), help="Tokens it can take.")
@click.option("--max-tokens", type=click.IntRange(1), help="Tokens it can answer with.")
@click.option("--kind", type=click.Choice([one.value for one in Kind]), help="[default: chat]")
@click.option("--tools/--no-tools", "supports_function_calling", default=None)
@click.option("--vision/--no-vision", "supports_vision", default=None)
@click.option("--json-mode/--no-json-mode", "supports_json_mode", default=None)
@click.option("--tier", "min_tier", type=click.Choice([tier.value for tier in Tier]))
@click.option("--off", "is_off", is_flag=True, help="Add it switched off.")
@json_option
@failing_in_one_line()
def add(name: str, input_: Any, is_off: bool, as_json: bool, **given: Any) -> None:
    """Add a model of a provider; MODEL is provider/id.

    What you leave out, the price too, is as the price catalog has it, where it knows the model.

    \b
    Example: switchyard model add openai/gpt-4o-mini --level eco
    """
    provider, slash, model_id = name.partition("/")
    if not slash or not model_id:
        raise CommandFailed(f"{name!r} names no provider; use provider/id, as in openai/gpt-4o")
    prices = {"input": input_, **{part: given.pop(part) for part in _PARTS[1:]}}
    fields = {key: value for key, value in given.items() if value is not None}
    fields |= {"provider": provider, "model_id": model_id, **_price(prices)}
    if is_off:
        fields["is_active"] = False
    new = converted(fields, NewModel)
    row = asyncio.run(_models().create(new, Actor("switchyard model add")))
    _print(row, as_json=as_json)


@model.command()
@_MODEL
@json_option
@failing_in_one_line()
def on(name: str, as_json: bool) -> None:
    """Switch a model on.

    \b
    Example: switchyard model on openai/gpt-4o-mini
    """
    _change(name, "switchyard model on", as_json, is_active=True)


@model.command()
@_MODEL
@json_option
@failing_in_one_line()
def off(name: str, as_json: bool) -> None:
    """Switch a model off; nobody is sent to it any more.

    \b
    Example: switchyard model off openai/gpt-4o-mini
    """
    _change(name, "switchyard model off", as_json, is_active=False)


@model.command()
@_MODEL
@click.option("--input", "input_", type=Usd(), required=True, metavar="USD")
@click.option("--output", type=Usd(), required=True, metavar="USD")
@click.option("--cached", type=Usd(), metavar="USD", help="[default: as input]")
@click.option("--cache-write", type=Usd(), metavar="USD", help="[default: as input]")
@click.option("--source", default="admin", show_default=True, help="Where the price was read.")
@json_option
@failing_in_one_line()
def price(name: str, input_: Any, source: str, as_json: bool, **parts: Any) -> None:
    """Set a model's price, in USD per million tokens.

    It applies from now on; `switchyard usage reprice` prices requests that had none.

    \b
    Example: switchyard model price openai/gpt-4o-mini --input 0.15 --output 0.60
    """
    fields = _price({"input": input_, **parts}, source)
    _change(name, "switchyard model price", as_json, **fields)


def _models() -> Models:
    return Models(CommandDatabase(database_url()))


async def _find(models: Models, name: str) -> ModelRow:
    """Raises CommandFailed."""
    rows = await models.list()
    found = [row for row in rows if row.model_id == name]
    found = found or [row for row in rows if _full_name(row) == name]
    if not found:
        raise CommandFailed(f"there is no model {name!r}; see `switchyard model list --all`")
    if len(found) > 1:
        names = ", ".join(_full_name(row) for row in found)
        raise CommandFailed(f"several providers have {name!r}; name one of: {names}")
    return found[0]


def _change(name: str, command: str, as_json: bool, **fields: Any) -> None:
    async def change() -> ModelRow:
        models = _models()
        row = await _find(models, name)
        return await models.change(row.id, converted(fields, ChangeModel), Actor(command))

    _print(asyncio.run(change()), as_json=as_json)


def _price(parts: dict[str, Any], source: str = "admin") -> dict[str, Any]:
    """The field `price`, or nothing where no part was given."""
    given = {part: f"{parts[part]:f}" for part in _PARTS if parts.get(part) is not None}
    if not given:
        return {}
    if not {"input", "output"} <= given.keys():
        raise CommandFailed("a price needs both --input and --output")
    return {"price": {"tiers": [{"start_tokens": 0, **given}], "source": source}}


def _print(row: ModelRow, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    table = Table("", "", show_header=False)
    for key, value in _shown(row):
        table.add_row(key, escape(value))
    print_table(table)


def _shown(row: ModelRow) -> Sequence[tuple[str, str]]:
    abilities = {
        "streaming": row.supports_streaming,
        "tools": row.supports_function_calling,
        "vision": row.supports_vision,
        "JSON mode": row.supports_json_mode,
    }
    base = _base(row)
    prices = ", ".join(
        f"{part.replace('_', ' ')} {base[part]}" for part in _PARTS if base.get(part) is not None
    )
    source = "" if row.price is None else f" (version {row.price.version}, {row.price.source})"
    return [
        ("model", _full_name(row)),
        ("id", str(row.id)),
        ("state", _state(row)),
        (
            "kind",
            row.kind if row.dimensions is None else f"{row.kind}, {row.dimensions} dimensions",
        ),
        ("level", row.power_level or "none: only callers who name it"),
        ("lowest tier", row.min_tier),
        ("USD per million", f"{prices}{source}" if prices else "unknown"),
        ("context", "unknown" if row.context_window is None else f"{row.context_window:,} tokens"),
        ("longest answer", "unknown" if row.max_tokens is None else f"{row.max_tokens:,} tokens"),
        ("can do", ", ".join(name for name, can in abilities.items() if can)),
    ]


def _base(row: ModelRow) -> dict[str, str | None]:
    return {} if row.price is None else row.price.prices["tiers"][0]


def _full_name(row: ModelRow) -> str:
    return f"{row.provider}/{row.model_id}"


def _state(row: ModelRow) -> str:
    if not row.is_active:
        return "off"
    return "deprecated" if row.is_deprecated else "on"
