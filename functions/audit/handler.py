"""GET /api/v1/admin/llm/audit: who changed what, newest first."""

from __future__ import annotations

from datetime import datetime

from litestar import get
from litestar.params import FromQuery

from functions.audit.answers import AuditEvent, event
from shared.auth.guards import AnyRequest, require_admin, resources_of
from shared.db.audit_trail import AuditFilter, page_of_audit
from shared.db.connect import Database
from shared.wire.page import Listed, cut, read_cursor, read_limit


@get("/api/v1/admin/llm/audit", guards=[require_admin])
async def list_audit(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    actor: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    target_type: FromQuery[str | None] = None,
    target_id: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
) -> Listed[AuditEvent]:
    """Events, newest first; `action` may end in `*` (`user_key.*`), times have a zone."""
    wanted = AuditFilter(actor, action, target_type, target_id, since, until)
    before, size = read_cursor(cursor), read_limit(limit)
    async with resources_of(request).get(Database).report() as connection:
        rows = await page_of_audit(connection, wanted, before=before, limit=size + 1)
    shown, next_cursor = cut(rows, size)
    return Listed([event(row) for row in shown], next_cursor=next_cursor)
