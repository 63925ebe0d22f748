"""How an event of the audit trail is shown. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.db.audit_trail import AuditRow


class AuditEvent(msgspec.Struct, frozen=True):
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


def event(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        id=row.id,
        created_at=row.created_at,
        actor=row.actor,
        action=row.action,
        target_type=row.target_type,
        target_id=row.target_id,
        fingerprint=row.fingerprint,
        address=row.address,
        request_id=row.request_id,
        details=row.details,
    )
