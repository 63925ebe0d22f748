"""GET /api/v1/llm/usage, /usage/summary and /usage/export: the caller's own rows."""

from __future__ import annotations

from litestar import get
from litestar.response import Stream

from functions.usage.answer import AnyRequest, UsagePage, UsageSummary, export, page, summary
from shared.auth.guards import caller_of, require_scope
from shared.auth.scope import Scope

PATH = "/api/v1/llm/usage"
_GUARDS = [require_scope(Scope.USAGE)]


@get(PATH, guards=_GUARDS)
async def list_usage(request: AnyRequest) -> UsagePage:
    """The caller's requests, newest first, by cursor."""
    return await page(request, caller_of(request).user_id)


@get(f"{PATH}/summary", guards=_GUARDS)
async def summarise_usage(request: AnyRequest) -> UsageSummary:
    """The caller's sums by day, model, provider, power_level, key or team."""
    return await summary(request, caller_of(request).user_id)


@get(f"{PATH}/export", guards=_GUARDS)
async def export_usage(request: AnyRequest) -> Stream:
    """All of the caller's rows as CSV or JSON lines, oldest first."""
    return await export(request, caller_of(request).user_id)
