"""What an admin is shown of the providers' health: now, lately, and how much of the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from shared.health.checks import ANSWERED, NOT_JUDGED


class PastCheck(msgspec.Struct, frozen=True):
    """`status` is the health that the check led to."""

    checked_at: datetime
    outcome: str
    status: str
    status_code: int | None
    response_time_ms: int | None
    reason: str | None


class ProviderHealth(msgspec.Struct, frozen=True):
    """`uptime_*` is the share of the checks that were answered, 0 to 1; null without any.

    `history` has the newest first. `system_key_*` are about the platform's own key.
    """

    provider: str
    name: str
    is_active: bool
    health_status: str
    health_reason: str | None
    health_last_checked: datetime | None
    health_response_time_ms: int | None
    system_key_status: str
    system_key_reason: str | None
    system_key_checked_at: datetime | None
    uptime_24h: float | None
    uptime_30d: float | None
    history: list[PastCheck]


_PRESENT = """
SELECT provider.id, provider_slug AS provider, provider_name AS name, is_active, health_status,
    health_reason, health_last_checked, health_response_time_ms, system_key_status,
    system_key_reason, system_key_checked_at, up.uptime_24h, up.uptime_30d
FROM llm_providers AS provider, LATERAL (
    SELECT avg((outcome = %(answered)s)::int)::float8 AS uptime_30d,
        (avg((outcome = %(answered)s)::int)
            FILTER (WHERE checked_at > now() - interval '24 hours'))::float8 AS uptime_24h
    FROM provider_health_checks
    WHERE provider_id = provider.id AND outcome <> %(not_judged)s
        AND checked_at > now() - interval '30 days'
) AS up
ORDER BY provider.id
"""
_PAST = """
SELECT checked_at, outcome, status, status_code, response_time_ms, reason
FROM provider_health_checks WHERE provider_id = %s ORDER BY checked_at DESC LIMIT %s
"""


async def read_health(
    connection: psycopg.AsyncConnection[Any], *, history: int
) -> Sequence[ProviderHealth]:
    """All providers in the order of their ids, each with so many of its last checks."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_PRESENT, {"answered": ANSWERED, "not_judged": NOT_JUDGED})
        rows = await cursor.fetchall()
    found: list[ProviderHealth] = []
    async with connection.cursor(row_factory=class_row(PastCheck)) as cursor:
        for row in rows:
            await cursor.execute(_PAST, (row.pop("id"), history))
            found.append(ProviderHealth(**row, history=await cursor.fetchall()))
    return found
