"""Usage: sums by one thing, rows with where each went and why; for an admin everybody's."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.response import Stream

from functions.console.error_pages import ERRORS
from functions.console.forms import word_of
from functions.console.pages import Pages
from functions.console.parts import ROWS
from functions.console.signed_in import session_of, signed_in
from functions.console.user.spend import DIMENSIONS, HOUR, Row, grouped, name_of, since, spend_of
from shared.auth.caller import Caller, Role
from shared.auth.guards import AnyRequest, check_scope, resources_of
from shared.auth.scope import Scope
from shared.db.connect import Database
from shared.errors import InvalidField
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import RowKey, page_of
from shared.ledger.rows_as_text import Format, text_of
from shared.ledger.summary import hours_of
from shared.wire.text import is_unfit

_PERIODS = {"7": 7, "30": 30, "90": 90}
_GROUPS = 25
_GUARDS = [signed_in(Scope.USAGE)]


class _Asked(msgspec.Struct, frozen=True):
    filters: UsageFilters
    days: int
    by: str
    is_everybody: bool


@get("/usage", include_in_schema=False, guards=_GUARDS, exception_handlers=ERRORS)
async def show_usage(request: AnyRequest) -> Response[str]:
    """Sums and rows of a period."""
    asked = _asked(request.query_params, session_of(request).caller)
    database = resources_of(request).get(Database)
    spend = await spend_of(database, asked.filters, asked.days)
    groups: Sequence[Row] = ()
    hours: Sequence[Sequence[int]] | None = None
    if asked.by == HOUR:
        hours = await hours_of(database, since(asked.filters, asked.days))
    else:
        groups, _ = await grouped(database, asked.filters, asked.by, asked.days)
    rows, following = await page_of(
        database, asked.filters, after=_cursor(request.query_params), limit=ROWS
    )
    words = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return resources_of(request).get(Pages).page(
        request,
        "usage.html",
        spend=spend,
        groups=[(name_of(row, asked.by), row) for row in groups[:_GROUPS]],
        more_groups=max(0, len(groups) - _GROUPS),
        hours=hours,
        by=asked.by,
        dimensions=_dimensions(asked),
        days=asked.days,
        asked=asked,
        rows=rows,
        export="/usage/export.csv?" + urlencode(words),
        more=following and "/usage?" + urlencode({**words, "cursor": _text(following)}),
    )  # fmt: skip


@get("/usage/export.csv", include_in_schema=False, guards=_GUARDS, exception_handlers=ERRORS)
async def export_usage(request: AnyRequest) -> Stream:
    """The rows of a period as CSV, oldest first."""
    asked = _asked(request.query_params, session_of(request).caller)
    filters = since(asked.filters, asked.days)
    chunks = text_of(resources_of(request).get(Database), filters, Format.CSV, None)
    # Before the answer begins: a database that is down can still be told as an error.
    first = await anext(chunks)
    headers = {"content-disposition": 'attachment; filename="usage.csv"'}
    return Stream(_behind(first, chunks), media_type="text/csv", headers=headers)


async def _behind(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk


def _asked(query: Mapping[str, Any], caller: Caller) -> _Asked:
    """Raises InvalidField, and NotAllowed where somebody but an admin asks for everybody's."""
    is_everybody = query.get("of") == "everybody" and caller.role is Role.ADMIN
    if is_everybody:
        check_scope(caller, Scope.ADMIN)
    by = query.get("by") or "model"
    days = _PERIODS.get(query.get("days") or "30")
    if by not in DIMENSIONS or days is None or (by == "user" and not is_everybody):
        raise InvalidField("There is no such view; choose one on the page.", param="by")
    return _Asked(
        UsageFilters(
            user_id=(word_of(query, "user") if is_everybody else caller.user_id),
            model=word_of(query, "model"),
            provider=word_of(query, "provider"),
            tag=word_of(query, "tag"),
            end_user=word_of(query, "end_user"),
        ),
        days,
        by,
        is_everybody,
    )


def _dimensions(asked: _Asked) -> Mapping[str, str]:
    return {
        name: shown for name, shown in DIMENSIONS.items() if asked.is_everybody or name != "user"
    }


def _text(key: RowKey) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([key.created_at, key.request_id])).decode()


def _cursor(query: Mapping[str, Any]) -> RowKey | None:
    text = query.get("cursor")
    if not text:
        return None
    try:
        raw = base64.urlsafe_b64decode(text)
        created_at, request_id = msgspec.json.decode(raw, type=tuple[datetime, str])
    except (ValueError, msgspec.DecodeError) as error:
        raise _no_page() from error
    if created_at.tzinfo is None or is_unfit(request_id):
        raise _no_page()
    return RowKey(created_at, request_id)


def _no_page() -> InvalidField:
    return InvalidField("There is no such page; begin with the first.", param="cursor")
