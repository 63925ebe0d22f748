"""Rows of usage as text: money and ratios are exact numerals, times are UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from shared.db.connect import Database
from shared.ledger.filters import UsageFilters
from shared.ledger.forms.focus import COLUMNS as CHARGE_COLUMNS
from shared.ledger.forms.focus import charges
from shared.ledger.pages import COLUMNS, RowKey, key_of, read_page

Row = Mapping[str, Any]

_ROWS_A_CHUNK = 2000


class Format(StrEnum):
    """FOCUS is CSV of charges (`shared.ledger.forms.focus`), of which a row may be several."""

    CSV = "csv"
    JSONL = "jsonl"
    FOCUS = "focus"
    PARQUET = "parquet"

    @property
    def suffix(self) -> str:
        """How the name of a file of it ends."""
        return "focus.csv" if self is Format.FOCUS else self.value


TEXTS = (Format.JSONL, Format.CSV, Format.FOCUS)
"""Those that can be written a few rows at a time."""

_COLUMNS = {Format.CSV: COLUMNS, Format.FOCUS: CHARGE_COLUMNS}


def shown(row: Row) -> dict[str, Any]:
    """The row as JSON takes it."""
    return {name: _json(value) for name, value in row.items()}


def encode_rows(rows: Iterable[Row], form: Format) -> bytes:
    """Lines of one of TEXTS, each ending in a line feed, without a header (`header`)."""
    if form is Format.JSONL:
        return b"".join(msgspec.json.encode(shown(row)) + b"\n" for row in rows)
    if form is Format.FOCUS:
        rows = (charge for row in rows for charge in charges(row))
    columns = _COLUMNS[form]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode()


def header(form: Format) -> bytes:
    """The first line; none of JSON lines."""
    return ",".join(_COLUMNS[form]).encode() + b"\n" if form in _COLUMNS else b""


async def text_of(
    database: Database, filters: UsageFilters, form: Format, after: RowKey | None
) -> AsyncGenerator[bytes]:
    """Every row behind `after`, oldest first, a chunk at a time, behind the `header`.

    Raises psycopg.OperationalError: the text then ends in the middle, at the end of a row.
    """
    head = header(form)
    while True:
        # A connection a chunk: a slow reader holds none meanwhile.
        async with database.report() as connection:
            rows = await read_page(
                connection, filters, after=after, limit=_ROWS_A_CHUNK, newest_first=False
            )
        yield head + encode_rows(rows, form)
        if len(rows) < _ROWS_A_CHUNK:
            return
        head, after = b"", key_of(rows[-1])


def numeral(value: Decimal) -> str:
    """The exact decimal numeral, without an exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(numeral(value).encode())
    return _moment(value) if isinstance(value, date) else value


def _cell(value: Any) -> str:
    """A text that a spreadsheet would run as a formula is given an apostrophe (OWASP, CSV
    injection): some come from clients.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    if isinstance(value, Decimal):
        return numeral(value)
    if isinstance(value, date):
        return _moment(value)
    return msgspec.json.encode(value).decode()


def _moment(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
