"""Answers of this function: pages, sums and streams of rows, of one owner or (None) of all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import msgspec
from litestar.response import Stream

from functions.usage.query import (
    cursor_of,
    encode_cursor,
    filters_of,
    groups_of,
    limit_of,
    pairs,
)
from shared.auth.guards import AnyRequest, resources_of
from shared.db.connect import Database
from shared.errors import InvalidField
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import Place, place_of, read_page
from shared.ledger.rows_as_text import Format, csv_header, encode_rows, shown
from shared.ledger.summary import MAX_GROUPS, SUMS, read_summary

_ROWS_A_CHUNK = 2000
_MEDIA_TYPES = {Format.CSV: "text/csv", Format.JSONL: "application/x-ndjson"}


class UsagePage(msgspec.Struct, frozen=True):
    """`next_cursor` is null behind the last row."""

    data: list[dict[str, Any]]
    next_cursor: str | None
    object: str = "list"


class UsageSummary(msgspec.Struct, frozen=True):
    """`total` sums the groups of `data`; every one has the same sums."""

    data: list[dict[str, Any]]
    total: dict[str, Any]
    group_by: list[str]
    object: str = "list"
    next_cursor: str | None = None


async def page(request: AnyRequest, owner: str | None) -> UsagePage:
    query = _query(request)
    filters = filters_of(query, owner, others=("limit", "cursor"))
    limit, after = limit_of(query), cursor_of(query)
    async with _database(request).connection() as connection:
        rows = await read_page(connection, filters, after=after, limit=limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    return UsagePage(
        [shown(row) for row in rows], encode_cursor(place_of(rows[-1])) if more else None
    )


async def summary(request: AnyRequest, owner: str | None) -> UsageSummary:
    query = _query(request)
    filters = filters_of(query, owner, others=("group_by",))
    groups = groups_of(query, filters, is_admin=owner is None)
    async with _database(request).connection() as connection:
        rows = await read_summary(connection, filters, groups)
    if len(rows) > MAX_GROUPS:
        raise InvalidField(
            f"That is more than {MAX_GROUPS} groups; ask for fewer days or a coarser group_by.",
            param="group_by",
        )
    total = {name: sum((row[name] for row in rows), start=_zero(name)) for name in SUMS}
    return UsageSummary([shown(row) for row in rows], shown(total), groups)


async def export(request: AnyRequest, owner: str | None) -> Stream:
    """All rows, oldest first. Where the database goes away the body is cut, never rounded off."""
    query = _query(request)
    filters = filters_of(query, owner, others=("format", "cursor"))
    form = _format(query)
    chunks = _chunks(_database(request), filters, form, cursor_of(query))
    # Before the answer begins: a database that is away can still be told as an error.
    first = await anext(chunks)
    return Stream(
        _behind(first, chunks),
        media_type=_MEDIA_TYPES[form],
        headers={"content-disposition": f'attachment; filename="usage.{form}"'},
    )


async def _behind(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk


async def _chunks(
    database: Database, filters: UsageFilters, form: Format, after: Place | None
) -> AsyncGenerator[bytes]:
    head = csv_header() if form is Format.CSV else b""
    while True:
        # A connection a chunk: a slow reader holds none meanwhile.
        async with database.connection() as connection:
            rows = await read_page(
                connection, filters, after=after, limit=_ROWS_A_CHUNK, newest_first=False
            )
        yield head + encode_rows(rows, form)
        if len(rows) < _ROWS_A_CHUNK:
            return
        head, after = b"", place_of(rows[-1])


def _format(query: Mapping[str, str]) -> Format:
    try:
        return Format(query.get("format") or Format.JSONL)
    except ValueError as error:
        raise InvalidField("'format' must be csv or jsonl.", param="format") from error


def _query(request: AnyRequest) -> dict[str, str]:
    return pairs(request.query_params.multi_items())


def _database(request: AnyRequest) -> Database:
    return resources_of(request).get(Database)


def _zero(name: str) -> Any:
    return Decimal(0) if name.endswith("_usd") else 0
