"""What is told to anybody of the providers' past: days, hours and incidents, from the checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

from shared.health.checks import ANSWERED, NOT_JUDGED
from shared.routing.snapshot import Health

DAYS = 30
HOURS = 24
MOST_INCIDENTS = 50
_ILL = (Health.DEGRADED, Health.DOWN)


class Span(msgspec.Struct, frozen=True):
    """One hour or day from `began_at`: how many checks were judged, and how many answered."""

    began_at: datetime
    checks: int
    answered: int

    @property
    def uptime(self) -> float | None:
        """0 to 1; None without a check."""
        return self.answered / self.checks if self.checks else None


class Turn(msgspec.Struct, frozen=True):
    """A check that led to another status than the one before it."""

    provider_id: int
    checked_at: datetime
    status: str
    reason: str | None


class Incident(msgspec.Struct, frozen=True):
    """`status` is the worst that it came to, `reason` why; `ended_at` None: it goes on."""

    provider_id: int
    began_at: datetime
    ended_at: datetime | None
    status: str
    reason: str | None


class History(msgspec.Struct, frozen=True):
    """Spans by the provider's id, oldest first and without gaps; incidents newest first."""

    hours: Mapping[int, Sequence[Span]]
    days: Mapping[int, Sequence[Span]]
    incidents: Sequence[Incident]


class _Counted(msgspec.Struct, frozen=True):
    provider_id: int
    began_at: datetime
    checks: int
    answered: int


_SPANS = """
SELECT provider_id, date_trunc(%(unit)s, checked_at, 'UTC') AS began_at, count(*) AS checks,
    count(*) FILTER (WHERE outcome = %(answered)s) AS answered
FROM provider_health_checks
WHERE outcome <> %(not_judged)s AND checked_at >= %(since)s
GROUP BY provider_id, began_at
"""
_TURNS = """
SELECT provider_id, checked_at, status, reason FROM (
    SELECT provider_id, checked_at, status, reason,
        lag(status) OVER (PARTITION BY provider_id ORDER BY checked_at, id) AS before
    FROM provider_health_checks WHERE checked_at >= %(since)s
) AS checked
WHERE before IS DISTINCT FROM status
ORDER BY checked_at
"""


async def read_history(connection: psycopg.AsyncConnection[Any], now: datetime) -> History:
    """Of the last 30 days. Raises psycopg.Error."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    days = [day - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    hours = [hour - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    counted_days = await _counted(connection, "day", days[0])
    counted_hours = await _counted(connection, "hour", hours[0])
    async with connection.cursor(row_factory=class_row(Turn)) as cursor:
        await cursor.execute(_TURNS, {"since": days[0]})
        turns = await cursor.fetchall()
    return History(
        hours=spans_of(counted_hours, hours),
        days=spans_of(counted_days, days),
        incidents=incidents_of(turns)[:MOST_INCIDENTS],
    )


async def _counted(
    connection: psycopg.AsyncConnection[Any], unit: str, since: datetime
) -> list[_Counted]:
    values = {"unit": unit, "since": since, "answered": ANSWERED, "not_judged": NOT_JUDGED}
    async with connection.cursor(row_factory=class_row(_Counted)) as cursor:
        await cursor.execute(_SPANS, values)
        return await cursor.fetchall()


def spans_of(
    counted: Iterable[_Counted], moments: Sequence[datetime]
) -> dict[int, tuple[Span, ...]]:
    """By provider, one span for each of `moments`; empty where nothing was counted. Pure."""
    found: dict[int, dict[datetime, Span]] = {}
    for one in counted:
        span = Span(one.began_at, one.checks, one.answered)
        found.setdefault(one.provider_id, {})[one.began_at] = span
    return {
        provider_id: tuple(spans.get(moment, Span(moment, 0, 0)) for moment in moments)
        for provider_id, spans in found.items()
    }


def incidents_of(turns: Iterable[Turn]) -> list[Incident]:
    """From turns, oldest first, to incidents, newest first. Pure.

    An incident begins when a provider turns ill and ends when it is healthy again; what is unknown
    in between ends nothing.
    """
    done: list[Incident] = []
    going: dict[int, Incident] = {}
    for turn in turns:
        one = going.get(turn.provider_id)
        if turn.status in _ILL:
            if one is None:
                going[turn.provider_id] = Incident(
                    turn.provider_id, turn.checked_at, None, turn.status, turn.reason
                )
            elif turn.status == Health.DOWN:
                going[turn.provider_id] = msgspec.structs.replace(
                    one, status=turn.status, reason=turn.reason
                )
        elif turn.status == Health.HEALTHY and one is not None:
            done.append(msgspec.structs.replace(one, ended_at=turn.checked_at))
            del going[turn.provider_id]
    return sorted([*done, *going.values()], key=lambda one: one.began_at, reverse=True)


def uptime(spans: Iterable[Span]) -> float | None:
    """The share of the checks that answered, 0 to 1; None without any. Pure."""
    checks, answered = 0, 0
    for span in spans:
        checks, answered = checks + span.checks, answered + span.answered
    return answered / checks if checks else None
