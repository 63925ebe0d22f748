"""Usage: sums by one thing, rows with where each went and why; for an admin everybody's."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.response import Stream

from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import session_of, signed_in
from functions.console.spend import DIMENSIONS, grouped, name_of, spend_of
from shared.auth.caller import Caller, Role
from shared.auth.guards import AnyRequest, check_scope, resources_of
from shared.auth.scope import Scope
from shared.db.connect import Database
from shared.errors import InvalidField
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import RowKey, page_of
from shared.ledger.rows_as_text import Format, text_of
from shared.wire.text import is_unfit

_PERIODS = {"7": 7, "30": 30, "90": 90}
_ROWS = 50
_GUARDS = [signed_in(Scope.USAGE)]
_MAX_TEXT = 200


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
    groups, _ = await grouped(database, asked.filters, asked.by, asked.days)
    rows, following = await page_of(
        database, asked.filters, after=_cursor(request.query_params), limit=_ROWS
    )
    words = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return resources_of(request).get(Pages).page(
        request,
        "usage.html",
        spend=spend,
        groups=[(name_of(row, asked.by), row) for row in groups[:100]],
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
    since = datetime.now(UTC).date() - timedelta(days=asked.days - 1)
    filters = msgspec.structs.replace(asked.filters, start=datetime.combine(since, time.min, UTC))
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
            user_id=(_word(query, "user") if is_everybody else caller.user_id),
            model=_word(query, "model"),
            provider=_word(query, "provider"),
        ),
        days,
        by,
        is_everybody,
    )


def _word(query: Mapping[str, Any], name: str) -> str | None:
    text = query.get(name) or None
    if text is not None and (len(text) > _MAX_TEXT or is_unfit(text)):
        raise InvalidField(f"'{name}' is too long or cannot be read.", param=name)
    return text


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
