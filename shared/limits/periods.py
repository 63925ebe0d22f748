"""The calendar days and months of budgets, in a time zone, and the meters in them. Pure."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.limits.book import Held
from shared.limits.limit import Kind

_DECEMBER = 12


class Period(NamedTuple):
    """`name` is `2026-11-28` or `2026-11`; from `begins` on, until `ends`: Unix seconds."""

    name: str
    begins: float
    ends: float


def period_of(kind: Kind, zone: ZoneInfo, now: float) -> Period:
    """The day or month (`kind` is a budget's) that `now`, Unix seconds, is in.

    A day may have 23 or 25 hours, and begins when its date does.
    """
    today = datetime.fromtimestamp(now, zone).date()
    if kind is Kind.DAY:
        first, after = today, date.fromordinal(today.toordinal() + 1)
        name = first.isoformat()
    else:
        first = today.replace(day=1)
        year, month = divmod(first.month, _DECEMBER)
        after = date(first.year + year, month + 1, 1)
        name = f"{first.year:04d}-{first.month:02d}"
    return Period(name, _midnight(first, zone), _midnight(after, zone))


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time.min, zone).timestamp()


def meter_of(held: Held, kind: Kind, wall: float) -> tuple[str, Period | None]:
    """Its name, and of a budget the period that `wall`, Unix seconds, is in."""
    if not kind.is_money:
        return f"{held.meter}:{kind}", None
    period = period_of(kind, held.limit.zone, wall)
    return f"{held.meter}:{kind}:{period.name}", period
