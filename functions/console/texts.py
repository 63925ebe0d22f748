"""Numbers and times as people read them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

NONE = "\u2013"
"""Shown where there is no number: a dash."""

_CENT = Decimal("0.01")


def usd(amount: Decimal | float | None) -> str:
    """Dollars to the digit that matters: cents from a dollar on, below it three digits."""
    if amount is None:
        return NONE
    value = Decimal(str(amount))
    if value == 0:
        return "$0.00"
    sign, value = ("-", -value) if value < 0 else ("", value)
    if value >= 1:
        return f"{sign}${value.quantize(_CENT):,}"
    digits = 2 - value.adjusted()
    text = f"{value:.{digits}f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"{sign}${whole}.{part.ljust(2, '0')}"


def count(number: int | None) -> str:
    return NONE if number is None else f"{number:,}"


def percent(share: float | None) -> str:
    """`share` 0 to 1. Never 100 % of what was not all."""
    if share is None:
        return NONE
    if share == 1:
        return "100%"
    return f"{min(share * 100, 99.99):.2f}%"


def when(moment: datetime | None) -> Markup:
    """In UTC; the script makes it the reader's own time."""
    if moment is None:
        return Markup('<span class="quiet">never</span>')
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%Y-%m-%d %H:%M")
    )


def lasted(began_at: datetime, ended_at: datetime) -> str:
    minutes = max(1, round((ended_at - began_at).total_seconds() / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)[:20]


def milliseconds(number: float | None) -> str:
    if number is None:
        return NONE
    return f"{number / 1000:.1f} s" if number >= 1000 else f"{number:.0f} ms"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "usd": usd,
    "count": count,
    "percent": percent,
    "when": when,
    "milliseconds": milliseconds,
    "lasted": lasted,
}
