"""audit_events, read page by page, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row


class AuditRow(msgspec.Struct, frozen=True):
    id: int
    created_at: datetime
    actor: str
    action: str
    target_type: str
    target_id: str | None
    fingerprint: str | None
    address: str | None
    request_id: str | None
    details: dict[str, Any] | None


class AuditFilter(msgspec.Struct, frozen=True):
    """What is None does not filter. `action` may end in `*`: `user_key.*`."""

    actor: str | None = None
    action: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page_of_audit(
    connection: psycopg.AsyncConnection[Any],
    wanted: AuditFilter,
    *,
    before: int | None,
    limit: int,
) -> list[AuditRow]:
    """At most `limit` events with an id below `before`."""
    values = msgspec.structs.asdict(wanted)
    if wanted.action is not None and wanted.action.endswith("*"):
        values["action"], values["prefix"] = None, wanted.action[:-1]
    async with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        await cursor.execute(
            "SELECT id, created_at, actor, action, target_type, target_id, fingerprint, address,"
            " request_id, details FROM audit_events"
            " WHERE (%(before)s::bigint IS NULL OR id < %(before)s)"
            " AND (%(actor)s::text IS NULL OR actor = %(actor)s)"
            " AND (%(action)s::text IS NULL OR action = %(action)s)"
            " AND (%(prefix)s::text IS NULL OR starts_with(action, %(prefix)s))"
            " AND (%(target_type)s::text IS NULL OR target_type = %(target_type)s)"
            " AND (%(target_id)s::text IS NULL OR target_id = %(target_id)s)"
            " AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)"
            " AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)"
            " ORDER BY id DESC LIMIT %(limit)s",
            {"prefix": None, **values, "before": before, "limit": limit},
        )
        return await cursor.fetchall()
