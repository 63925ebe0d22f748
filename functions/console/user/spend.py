"""What was used and spent, from the ledger's sums, made ready for plots and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from functions.console.plots import Bar
from functions.console.texts import NONE, count, usd
from shared.db.connect import Database
from shared.ledger.filters import UsageFilters
from shared.ledger.summary import Summary, summary_of

Row = Mapping[str, Any]
HOUR = "hour"
DIMENSIONS: Mapping[str, str] = {
    "model": "Model",
    "provider": "Provider",
    "power_level": "Power level",
    "key": "Access token",
    "day": "Day",
    "team": "Team",
    "tag": "Tag",
    "end_user": "End user",
    HOUR: "Hour of the week",
    "user": "User",
}
"""What sums may be grouped by, and how it is called; `user` for admins alone."""


class Spend(msgspec.Struct, frozen=True):
    """Of the days from `start` to today."""

    days: Sequence[Row]
    total: Row
    bars: Sequence[Bar]
    start: date


async def spend_of(database: Database, filters: UsageFilters, days: int) -> Spend:
    """By day, with a bar for each, those without a request too."""
    start = datetime.now(UTC).date() - timedelta(days=days - 1)
    summary = await summary_of(database, since(filters, days), ["day"])
    by_day = {row["day"]: row for row in summary.groups}
    shown = [start + timedelta(days=place) for place in range(days)]
    bars = [_bar(day, by_day.get(day)) for day in shown]
    return Spend(summary.groups[::-1], summary.total, bars, start)


async def grouped(
    database: Database, filters: UsageFilters, by: str, days: int
) -> tuple[Sequence[Row], Summary]:
    """The groups, dearest first, then those with most requests."""
    summary = await summary_of(database, since(filters, days), [by])
    rows = sorted(summary.groups, key=lambda row: (row["cost_usd"] or 0, row["requests"]))
    return rows[::-1], summary


def since(filters: UsageFilters, days: int) -> UsageFilters:
    """`filters`, of today and the days before it."""
    start = datetime.now(UTC).date() - timedelta(days=days - 1)
    return msgspec.structs.replace(filters, start=datetime.combine(start, time.min, UTC))


def name_of(row: Row, by: str) -> str:
    """How one group is called."""
    if by == "key":
        return str(row["key_name"] or row["key_id"] or "try-out token")
    if by == "model":
        return f"{row['provider']}/{row['model']}" if row["model"] else "not listed"
    return NONE if row[by] is None else str(row[by])


def _bar(day: date, row: Row | None) -> Bar:
    cost = Decimal(0) if row is None else row["cost_usd"] or Decimal(0)
    requests = 0 if row is None else row["requests"]
    return Bar(day.isoformat(), cost, f"{usd(cost)}, {count(requests)} requests")
