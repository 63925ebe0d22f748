"""What `switchyard up` says once the gateway is ready."""

from __future__ import annotations

import json

from shared.auth.authenticator import TRYOUT_CALLERS
from shared.auth.caller import Role

_BODY = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}, separators=(",", ":"))


def banner(url: str, *, simulated: bool) -> str:
    """The URL, the tokens and what they may do, and one line to paste."""
    width = max(len(token) for token in TRYOUT_CALLERS)
    lines = ["", f"Switchyard is ready: {url}  (Ctrl-C stops it)", ""]
    for token, caller in TRYOUT_CALLERS.items():
        may = "models, providers and completions"
        if caller.role is Role.ADMIN:
            may += ", and /metrics"
        lines.append(f"  {token:<{width}}  {caller.role} of tier {caller.tier}: {may}")
    lines.append("  They are valid while this runs, from this machine. `switchyard token create`")
    lines.append("  makes others.")
    lines.append("")
    if simulated:
        lines.append("  Simulated providers: answers are made up. Set a provider's key, such as")
        lines.append("  OPENAI_API_KEY, and start again to reach models.")
        lines.append("")
    lines.append("  Try it:")
    lines.append(curl_line(url))
    return "\n".join(lines) + "\n\n"


def curl_line(url: str) -> str:
    """One completion as one line for a shell."""
    token = next(token for token, caller in TRYOUT_CALLERS.items() if caller.role is Role.USER)
    return (
        f"curl -s {url}/api/v1/llm/chat/completions -H 'Authorization: Bearer {token}'"
        f" -H 'Content-Type: application/json' -d '{_BODY}'"
    )
