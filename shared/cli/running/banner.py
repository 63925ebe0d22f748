"""What `switchyard up` prints once the gateway is ready."""

from __future__ import annotations

import json

from shared.auth.authenticator import TRYOUT_CALLERS
from shared.auth.caller import Role

_BODY = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}, separators=(",", ":"))


def banner(url: str, *, simulated: bool) -> str:
    """The URL, the tokens and what each may do, and a command to paste."""
    width = max(len(token) for token in TRYOUT_CALLERS)
    lines = ["", f"Switchyard is ready: {url}  (Ctrl-C to stop)", ""]
    for token, caller in TRYOUT_CALLERS.items():
        may = "completions, models and providers"
        if caller.role is Role.ADMIN:
            may += ", and /metrics"
        lines.append(f"  {token:<{width}}  {caller.role}, {caller.tier} tier: {may}")
    lines.append("  They work while this runs, and only from this machine. To create others, run")
    lines.append("  `switchyard token create`.")
    lines.append("")
    if simulated:
        lines.append(
            "  Providers are simulated, and their answers made up. To reach real models, set a"
        )
        lines.append("  provider's key, such as OPENAI_API_KEY, and restart.")
        lines.append("")
    lines.append("  Try it:")
    lines.append(curl_line(url))
    return "\n".join(lines) + "\n\n"


def curl_line(url: str) -> str:
    """One completion, as a shell command on one line."""
    token = next(token for token, caller in TRYOUT_CALLERS.items() if caller.role is Role.USER)
    return (
        f"curl -s {url}/api/v1/llm/chat/completions -H 'Authorization: Bearer {token}'"
        f" -H 'Content-Type: application/json' -d '{_BODY}'"
    )
