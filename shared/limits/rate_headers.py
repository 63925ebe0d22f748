"""What a caller is told of rates with each answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from shared.limits.lease import Lease
from shared.limits.limit import Kind

Headers = list[tuple[bytes, bytes]]

_NAMES = ((Kind.REQUESTS, "requests"), (Kind.TOKENS, "tokens"))


def rate_headers(
    leases: Iterable[Lease], *, now: float, wall: float, is_anthropic: bool = False
) -> Headers:
    """Of the limits on requests and on tokens a minute, the one of which the least is left.

    `now` is the clock of the leases, `wall` Unix seconds. Named and written as OpenAI does it
    ("Rate limits in headers"), or Anthropic ("Response headers" of its rate limits): there `reset`
    is the time at which all is there again, here how long until then.
    """
    headers: Headers = []
    for kind, name in _NAMES:
        held = [one for one in leases if one.kind is kind and not one.limit.is_soft]
        if not held:
            continue
        lease = min(held, key=lambda one: one.left(now))
        left = min(lease.left(now), lease.amount)
        full_in_s = (lease.amount - left) / lease.leak / 1000 if lease.leak else 0.0
        if is_anthropic:
            prefix, reset = f"anthropic-ratelimit-{name}-", _moment(wall + full_in_s)
            names = (f"{prefix}limit", f"{prefix}remaining", f"{prefix}reset")
        else:
            reset = _duration(full_in_s)
            names = tuple(f"x-ratelimit-{one}-{name}" for one in ("limit", "remaining", "reset"))
        values = (str(lease.amount), str(left), reset)
        headers += [(a.encode(), b.encode()) for a, b in zip(names, values, strict=True)]
    return headers


def _moment(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _duration(seconds: float) -> str:
    """`20ms`, `1.5s`, `1m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"
