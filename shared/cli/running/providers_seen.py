"""What a running gateway says of its providers: which are real, and what a request would cost."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.auth.authenticator import TRYOUT_CALLERS
from shared.auth.caller import Role
from shared.cli.ask_gateway import get_json, post_json
from shared.upstream.platform_access import Way

_HEALTH = "/api/v1/admin/llm/health?history=0"
_ROUTE = "/api/v1/llm/route"


class SeenProvider(msgspec.Struct, frozen=True):
    """`provider` is a slug, `name` what it is called; `way` as the health report has it."""

    provider: str
    name: str
    way: Way


class _Health(msgspec.Struct, frozen=True):
    data: list[SeenProvider]


class Cost(msgspec.Struct, frozen=True):
    """USD; None where the model has no price."""

    model: str
    expected: float | None
    worst: float | None


def providers_seen(url: str) -> list[SeenProvider]:
    """Each provider of the `switchyard up` at `url`. Raises CommandFailed."""
    answer = get_json(url, _HEALTH, try_out_headers(Role.ADMIN))
    return msgspec.convert(answer, _Health).data


def cost_of(url: str, body: dict[str, Any]) -> Cost:
    """What the completion `body` would cost at the `switchyard up` at `url`.

    Raises CommandFailed, also where the gateway would refuse it.
    """
    first = post_json(url, _ROUTE, body, try_out_headers(Role.USER))["candidates"][0]
    name = f"{first['provider']}/{first['model']}"
    return Cost(name, first["expected_cost_usd"], first["worst_cost_usd"])


def try_out_token(role: Role) -> str:
    return next(token for token, caller in TRYOUT_CALLERS.items() if caller.role is role)


def try_out_headers(role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {try_out_token(role)}"}
