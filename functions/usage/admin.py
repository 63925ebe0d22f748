"""The same three of all users, for admins; `user` names one."""

from __future__ import annotations

from litestar import get
from litestar.response import Stream

from functions.usage.answer import AnyRequest, UsagePage, UsageSummary, export, page, summary
from shared.auth.guards import require_admin

PATH = "/api/v1/admin/llm/usage"


@get(PATH, guards=[require_admin])
async def list_all_usage(request: AnyRequest) -> UsagePage:
    """Everybody's requests, newest first, by cursor."""
    return await page(request, None)


@get(f"{PATH}/summary", guards=[require_admin])
async def summarise_all_usage(request: AnyRequest) -> UsageSummary:
    """Everybody's sums; may be grouped by user, too."""
    return await summary(request, None)


@get(f"{PATH}/export", guards=[require_admin])
async def export_all_usage(request: AnyRequest) -> Stream:
    """All rows as CSV or JSON lines, oldest first."""
    return await export(request, None)
