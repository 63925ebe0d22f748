"""How a limit that is reached is told. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from shared.limits.lease import Lease
from shared.limits.limit import NANO_USD_PER_USD, Kind, OnBudget
from shared.limits.reached import BudgetExceeded, LimitReached, RateLimited

_WHOSE = {
    "token": "this access token",
    "user": "this user",
    "tier": "users of this tier",
    "team": "this team",
    "end_user": "this end user",
    "tag": "this tag",
    "model": "this model",
    "credential": "this provider key",
    "all": "this gateway",
}
_KINDS = {
    Kind.REQUESTS: "requests a minute",
    Kind.TOKENS: "tokens a minute",
    Kind.CONCURRENT: "open requests",
}
_OPEN_AGAIN_S = 1.0


def refusal(lease: Lease, need: int, *, now: float, wall: float) -> LimitReached:
    """Of the lease that `need` does not fit in; `now` is its clock, `wall` Unix time."""
    whose = _WHOSE[lease.limit.scope]
    if lease.kind.is_money:
        return _budget(lease, need, whose, wall)
    if need > lease.amount:
        message = (
            f"The request may need {need} {_KINDS[lease.kind]}, and the limit of {whose} is"
            f" {lease.amount}: send less, or lower max_tokens."
        )
    else:
        message = f"The limit of {whose} is {lease.amount} {_KINDS[lease.kind]}: try again later."
    return RateLimited(
        message, param=lease.limit.scope, retry_after_s=wait_s(lease, need, now=now, wall=wall)
    )


def wait_s(lease: Lease, need: int, *, now: float, wall: float) -> float:
    """Seconds until `need` fits, as far as is known."""
    if lease.period is not None:
        return max(0.0, lease.period.ends - wall)
    if lease.leak == 0:
        return _OPEN_AGAIN_S
    flowed = (now - lease.answered_at) * 1000 * lease.leak
    over = max(0.0, lease.level - flowed) + lease.leased + min(need, lease.amount) - lease.amount
    return max(0.05, over / lease.leak / 1000)


def _budget(lease: Lease, need: int, whose: str, wall: float) -> LimitReached:
    period = "day" if lease.kind is Kind.DAY else "month"
    ends = datetime.fromtimestamp(lease.period.ends if lease.period else wall, UTC)
    left = max(0, math.floor(lease.amount - lease.level - lease.leased))
    refused = BudgetExceeded(
        f"The budget of {whose} is {_usd(lease.amount)} USD a {period}, {_usd(left)} of it is left,"
        f" and the request may cost {_usd(need)}. It begins again at {ends:%Y-%m-%dT%H:%M:%SZ};"
        " until then, lower max_tokens or ask for a cheaper model.",
        param=lease.limit.scope,
    )
    refused.left_nano_usd = left
    refused.steps_down = lease.limit.on_budget is OnBudget.STEP_DOWN
    return refused


def _usd(nano: int) -> str:
    return f"{nano / NANO_USD_PER_USD:.9f}".rstrip("0").rstrip(".")
