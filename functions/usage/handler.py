"""Usage as pages, sums and downloads: the caller's own rows, or for an admin everybody's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from litestar import get
from litestar.response import Stream

from functions.usage.answers import UsagePage, UsageSummary, usage_page, usage_summary
from functions.usage.openapi import EXPORT, EXPORT_ALL, LIST, LIST_ALL, SUMMARY, SUMMARY_ALL
from functions.usage.requests import (
    MEDIA_TYPES,
    cursor_of,
    filters_of,
    format_of,
    groups_of,
    limit_of,
    pairs,
)
from shared.auth.guards import AnyRequest, caller_of, require_admin, require_scope, resources_of
from shared.auth.scope import Scope
from shared.db.connect import Database
from shared.ledger.pages import page_of
from shared.ledger.rows_as_text import text_of
from shared.ledger.summary import summary_of

OWN = "/api/v1/llm/usage"
ALL = "/api/v1/admin/llm/usage"
_USER = [require_scope(Scope.USAGE)]
_ADMIN = [require_admin]


@get(OWN, guards=_USER, operation_class=LIST)
async def list_usage(request: AnyRequest) -> UsagePage:
    """The caller's requests, newest first, by cursor."""
    return await _page(request, caller_of(request).user_id)


@get(f"{OWN}/summary", guards=_USER, operation_class=SUMMARY)
async def summarize_usage(request: AnyRequest) -> UsageSummary:
    """The caller's sums by day, model, provider, power_level, key or team."""
    return await _summary(request, caller_of(request).user_id)


@get(f"{OWN}/export", guards=_USER, operation_class=EXPORT)
async def export_usage(request: AnyRequest) -> Stream:
    """All of the caller's rows as JSON lines, CSV or FOCUS charges, oldest first."""
    return await _export(request, caller_of(request).user_id)


@get(ALL, guards=_ADMIN, operation_class=LIST_ALL)
async def list_all_usage(request: AnyRequest) -> UsagePage:
    """Everybody's requests, newest first, by cursor."""
    return await _page(request, None)


@get(f"{ALL}/summary", guards=_ADMIN, operation_class=SUMMARY_ALL)
async def summarize_all_usage(request: AnyRequest) -> UsageSummary:
    """Everybody's sums; may be grouped by user, too."""
    return await _summary(request, None)


@get(f"{ALL}/export", guards=_ADMIN, operation_class=EXPORT_ALL)
async def export_all_usage(request: AnyRequest) -> Stream:
    """All rows as JSON lines, CSV or FOCUS charges, oldest first."""
    return await _export(request, None)


async def _page(request: AnyRequest, owner: str | None) -> UsagePage:
    """`owner` None is every user: for admins alone."""
    query = _query(request)
    filters = filters_of(query, owner, others=("limit", "cursor"))
    after, limit = cursor_of(query), limit_of(query)
    return usage_page(*await page_of(_database(request), filters, after=after, limit=limit))


async def _summary(request: AnyRequest, owner: str | None) -> UsageSummary:
    query = _query(request)
    filters = filters_of(query, owner, others=("group_by",))
    groups = groups_of(query, filters, is_admin=owner is None)
    return usage_summary(await summary_of(_database(request), filters, groups), groups)


async def _export(request: AnyRequest, owner: str | None) -> Stream:
    """Where the database goes away the body is cut, never rounded off."""
    query = _query(request)
    filters = filters_of(query, owner, others=("format", "cursor"))
    form = format_of(query)
    chunks = text_of(_database(request), filters, form, cursor_of(query))
    # Before the answer begins: a database that is down can still be told as an error.
    first = await anext(chunks)
    return Stream(
        _behind(first, chunks),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f'attachment; filename="usage.{form.suffix}"'},
    )


async def _behind(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk


def _query(request: AnyRequest) -> dict[str, str]:
    return pairs(request.query_params.multi_items())


def _database(request: AnyRequest) -> Database:
    return resources_of(request).get(Database)
