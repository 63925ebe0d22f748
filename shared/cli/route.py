"""`switchyard route`: where a request would go, what it would cost, and why not elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click
import msgspec
from rich.console import Console
from rich.table import Table

from shared.cli.ask_gateway import TRY_OUT_TOKEN, post_json
from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.services import running_up
from shared.routing.snapshot import Tier

_CHARS_PER_TOKEN = 4

_OFF = "model_inactive"


@click.command(short_help="Say where a request would go, and why.")
@click.argument("prompt", default="Hello")
@click.option("--model", help="A listed id, provider/model, a power level or auto.")
@click.option("--level", "power_level", help="eco, balanced, precision or another power level.")
@click.option("--task", "task_type", help="A task type that rules may name.")
@click.option("--tokens", type=click.IntRange(1, 2_000_000), help="As if the prompt had so many.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer.")
@click.option("--max-cost", "max_cost_usd", type=float, metavar="USD", help="The most it may cost.")
@click.option("--stream", is_flag=True, help="As a stream.")
@click.option("--local", "privacy_required", is_flag=True, help="Only providers marked local.")
@click.option("--session", help="The session, which decides among equals.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), help="As this tier.")
@click.option("--user", metavar="ID", help="As this user, with their own keys.")
@click.option("--url", metavar="URL", help="The gateway.  [default: that of a running `up`]")
@click.option("--token", metavar="TOKEN", help="Whose request; --tier and --user need an admin's.")
@click.option("--json", "as_json", is_flag=True, help="Print the gateway's answer.")
@failing_in_one_line()
def route(
    prompt: str,
    tokens: int | None,
    session: str | None,
    tier: str | None,
    user: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Ask the gateway where PROMPT would go. Nothing is sent to a provider."""
    run = running_up()
    running = run.url if run is not None else None
    url = url or running
    if url is None:
        raise CommandFailed("no `switchyard up` runs here: name the gateway with --url")
    if token is None and url != running:
        raise CommandFailed("name a token with --token: the try-out token is for `up` alone")
    text = prompt if tokens is None else "x" * (tokens * _CHARS_PER_TOKEN)
    body = {name: value for name, value in fields.items() if value not in (None, False)}
    body["messages"] = [{"role": "user", "content": text}]
    headers = {"authorization": f"Bearer {token or TRY_OUT_TOKEN}"}
    if session is not None:
        headers["x-session-id"] = session
    asked = {name: value for name, value in (("tier", tier), ("user", user)) if value is not None}
    path = "/api/v1/llm/route" + (f"?{urlencode(asked)}" if asked else "")
    told = post_json(url, path, body, headers)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    _print(told)


def _print(told: dict[str, Any]) -> None:
    console = Console()
    level = told["power_level"] or "named models"
    console.print(f"{level}, {told['tier']} tier, about {told['prompt_tokens']} prompt tokens")
    if told["ignores_health"]:
        console.print("No candidate is well just now: all are tried as if they were.")
    table = Table("#", "provider", "model", "why", "paid by", "expected USD", "at most USD", "now")
    for one in told["candidates"]:
        table.add_row(
            str(one["rank"]),
            one["provider"],
            one["model"],
            one["reason"] + (f" {one['rule_id']}" if one["rule_id"] else ""),
            _payer(one),
            _usd(one["expected_cost_usd"]),
            _usd(one["worst_cost_usd"]),
            one["passed_over"] or one["provider_health"],
        )
    console.print(table)
    shown = [one for one in told["dropped"] if one["reason"] != _OFF]
    if shown:
        dropped = Table("dropped", "model", "because of")
        for one in shown:
            dropped.add_row(one["provider"], one["model"], one["reason"])
        console.print(dropped)
    # After `catalog sync --apply` they are a thousand.
    if off := len(told["dropped"]) - len(shown):
        console.print(f"{off} more {'is' if off == 1 else 'are'} switched off; --json names them.")


def _payer(one: dict[str, Any]) -> str:
    if one["key_source"] == "byok":
        return "own key, refused" if one["key_is_refused"] else f"own key ({one['key_policy']})"
    follows = one["follows_own_key"]
    return "platform" if follows is None else f"platform (after own key: {follows})"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}"
