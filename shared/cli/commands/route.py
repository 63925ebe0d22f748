"""`switchyard route`: where a request would go and why, and what it would cost."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click
import msgspec
from rich.table import Table

from shared.cli.ask_gateway import gateway_to_ask, post_json, url_option
from shared.cli.failures import failing_in_one_line
from shared.cli.output import print_table
from shared.routing.snapshot import DRAFT, Tier
from shared.wire.tokens.text import text_weight

_WORD = "word "

_OFF = "model_inactive"


@click.command(short_help="Show where a request would go, and why.")
@click.argument("prompt", default="Hello")
@click.option("--model", help="A listed id, provider/model, a power level, or auto.")
@click.option("--level", "power_level", help="eco, balanced, precision, or your own power level.")
@click.option("--task", "task_type", help="Task type that rules can match.")
@click.option("--tokens", type=click.IntRange(1, 2_000_000), help="Assume a prompt this long.")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest answer to allow.")
@click.option("--max-cost", "max_cost_usd", type=float, metavar="USD", help="Most it may cost.")
@click.option("--stream", is_flag=True, help="Route a streaming request.")
@click.option("--local", "privacy_required", is_flag=True, help="Use only providers marked local.")
@click.option("--session", help="Session id, which decides among equals.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), help="Assume this tier.")
@click.option("--user", metavar="ID", help="Assume this user, with their own keys.")
@url_option
@click.option("--token", metavar="TOKEN", help="Access token; --tier and --user need an admin's.")
@click.option("--json", "as_json", is_flag=True, help="Print the gateway's answer as JSON.")
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
    """Show where PROMPT would go and what it would cost, without calling a provider.

    \b
    Example: switchyard route --level eco --tokens 2000
    """
    url, headers = gateway_to_ask(url, token)
    body = {
        name: value for name, value in fields.items() if value is not None and value is not False
    }
    body["messages"] = [{"role": "user", "content": sized(prompt, tokens)}]
    if session is not None:
        headers["x-session-id"] = session
    query = {name: value for name, value in (("tier", tier), ("user", user)) if value is not None}
    path = "/api/v1/llm/route" + (f"?{urlencode(query)}" if query else "")
    answer = post_json(url, path, body, headers)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(answer)))
        return
    print_explanation(answer)


def sized(prompt: str, tokens: int | None) -> str:
    """`prompt`, or a text that is taken for so many tokens."""
    return prompt if tokens is None else _WORD * round(tokens * 1000 / text_weight(_WORD))


def print_explanation(answer: dict[str, Any]) -> None:
    """What the gateway says of a route, as tables."""
    level = answer["power_level"] or "named models"
    click.echo(f"{level}, {answer['tier']} tier, about {answer['prompt_tokens']} prompt tokens")
    if answer["ignores_health"]:
        click.echo("No candidate is healthy right now, so health is ignored.")
    table = Table("#", "provider", "model", "why", "paid by", "expected USD", "max USD", "state")
    for candidate in answer["candidates"]:
        table.add_row(
            str(candidate["rank"]),
            candidate["provider"],
            candidate["model"],
            _why(candidate),
            _payer(candidate),
            _usd(candidate["expected_cost_usd"]),
            _usd(candidate["worst_cost_usd"]),
            candidate["passed_over"] or candidate["provider_health"],
        )
    print_table(table)
    shown = [model for model in answer["dropped"] if model["reason"] != _OFF]
    if shown:
        dropped = Table("dropped", "model", "reason")
        for model in shown:
            dropped.add_row(model["provider"], model["model"], model["reason"])
        print_table(dropped)
    # After `catalog sync --apply` there are about a thousand.
    if off := len(answer["dropped"]) - len(shown):
        click.echo(f"{off} more {'is' if off == 1 else 'are'} switched off; --json lists them.")


def _why(candidate: dict[str, Any]) -> str:
    """`share` is what requests without a session go to it, where several draw for a place."""
    rule, share = candidate["rule_id"], candidate["share"]
    said = "the rule tried" if rule == DRAFT else candidate["reason"] + _number(rule)
    return f"{said}, {share:.0%}" if 0 < share < 1 else said


def _number(rule: int | None) -> str:
    return "" if rule is None else f" {rule}"


def _payer(candidate: dict[str, Any]) -> str:
    if candidate["key_source"] == "byok":
        if candidate["key_is_refused"]:
            return "own key, refused"
        return f"own key ({candidate['key_policy']})"
    follows = candidate["follows_own_key"]
    return "platform" if follows is None else f"platform (after own key: {follows})"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}"
