"""What `switchyard up` prints once the gateway is ready. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from shared.auth.authenticator import TRYOUT_CALLERS
from shared.auth.caller import Role
from shared.cli.running.providers_seen import Cost, SeenProvider, try_out_token
from shared.upstream.platform_access import Way

_WIDTH = 78
_MOST_TOKENS = 200
"""Of the answer to the pasted line where it costs money: so its bound is a small one."""


def example(providers: Sequence[SeenProvider]) -> dict[str, Any]:
    """The body of the line to paste."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
    is_real = any(one.way is Way.REAL for one in providers)
    return body | {"max_tokens": _MOST_TOKENS} if is_real else body


def banner(
    url: str, providers: Sequence[SeenProvider], cost: Cost | str | None, command: Path | None
) -> str:
    """The URL, the tokens, the providers, and a line to paste.

    `cost` is what that line costs, or why it would be refused; None where nothing is known of it.
    `command` is where `switchyard` is, where the shell does not find it by its name.
    """
    width = max(len(token) for token in TRYOUT_CALLERS)
    lines = ["", f"Switchyard is ready: {url}  (Ctrl-C to stop)", ""]
    for token, caller in TRYOUT_CALLERS.items():
        may = "completions, models and providers"
        if caller.role is Role.ADMIN:
            may += ", and /metrics"
        lines.append(f"  {token:<{width}}  {caller.role}, {caller.tier} tier: {may}")
    lines.append("  They work while this runs, and only from this machine. To create others, run")
    lines.append("  `switchyard token create`.")
    if command is not None:
        lines += ["", f"  The command is {command}. To call it by its name:"]
        lines.append(f'  export PATH="{command.parent}:$PATH"')
    lines += ["", *_providers(providers), "", _what_it_costs(providers, cost)]
    lines.append(curl_line(url, example(providers)))
    return "\n".join(lines) + "\n\n"


def curl_line(url: str, body: dict[str, Any]) -> str:
    """One completion, as a shell command on one line."""
    sent = json.dumps(body, separators=(",", ":"))
    return (
        f"curl -s {url}/api/v1/llm/chat/completions"
        f" -H 'Authorization: Bearer {try_out_token(Role.USER)}'"
        f" -H 'Content-Type: application/json' -d '{sent}'"
    )


def _providers(providers: Sequence[SeenProvider]) -> list[str]:
    if not providers:
        return ["  What the providers are could not be asked; see `switchyard doctor`."]
    lines: list[str] = []
    for way in Way:
        names = ", ".join(one.name for one in providers if one.way is way)
        if names:
            lines += wrap(
                names,
                _WIDTH,
                initial_indent=f"  {way.upper():<10} ",
                subsequent_indent=" " * 13,
            )
    ways = {one.way for one in providers}
    if Way.SIMULATED in ways:
        lines.append(
            "  Simulated answers are made up. The first real key ends the simulation of all"
        )
        lines.append("  providers: set one, such as OPENAI_API_KEY, and restart, or store it with")
        lines.append("  POST /api/v1/admin/llm/system-keys.")
    elif Way.OFF in ways:
        lines.append("  A provider that is off has no key of the platform's: set it, such as")
        lines.append("  ANTHROPIC_API_KEY, and restart. Callers may store keys of their own.")
    return lines


def _what_it_costs(providers: Sequence[SeenProvider], cost: Cost | str | None) -> str:
    if isinstance(cost, str):
        return f"  Try it (it would be refused now: {cost}):"
    is_real = any(one.way is Way.REAL for one in providers)
    if not is_real or cost is None:
        return "  Try it:"
    if cost.expected is None or cost.worst is None:
        return f"  Try it (a real request to {cost.model}, whose price is not known):"
    return (
        f"  Try it (a real request to {cost.model}: about {cost.expected:.6f} USD,"
        f" {cost.worst:.6f} at most):"
    )
