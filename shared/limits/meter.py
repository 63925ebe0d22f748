"""The meter that a limit of one kind is counted by at a moment. Pure."""

from __future__ import annotations

from shared.limits.book import Held
from shared.limits.limit import Kind
from shared.limits.periods import Period, period_of


def meter_of(held: Held, kind: Kind, wall: float) -> tuple[str, Period | None]:
    """Its name, and of a budget the period that `wall`, Unix seconds, is in."""
    if not kind.is_money:
        return f"{held.meter}:{kind}", None
    period = period_of(kind, held.limit.zone, wall)
    return f"{held.meter}:{kind}:{period.name}", period
