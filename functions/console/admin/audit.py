"""The admin's page of the audit trail, with search."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from functions.console.forms import word_of
from functions.console.pages import Pages
from functions.console.parts import ROWS
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, resources_of
from shared.db.audit import Action
from shared.db.audit_trail import AuditFilter, page_of_audit
from shared.db.connect import Database
from shared.errors import InvalidField

_WORDS = ("actor", "action", "target_type", "target_id")


@get("/admin/audit", **ADMINS_PAGE)
async def show_audit(request: AnyRequest) -> Response[str]:
    """Who changed what, newest first; `action` may end in `*`."""
    asked = {name: word_of(request.query_params, name) for name in _WORDS}
    wanted = AuditFilter(asked["actor"], asked["action"], asked["target_type"], asked["target_id"])
    before = _before(request.query_params.get("before"))
    async with resources_of(request).get(Database).report() as connection:
        rows = await page_of_audit(connection, wanted, before=before, limit=ROWS + 1)
    return resources_of(request).get(Pages).page(
        request,
        "audit.html",
        rows=[
            (row, "" if row.details is None else msgspec.json.encode(row.details).decode())
            for row in rows[:ROWS]
        ],
        before=rows[ROWS - 1].id if len(rows) > ROWS else None,
        asked=asked,
        actions=[*Action],
    )  # fmt: skip


def _before(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidField("There is no such page; begin with the first.", param="before")
    return int(text)
