"""Usage into files or S3: parts of so many rows and a manifest, which says how far it has come.

The manifest is written after each part and names it with its sums and its digest. Who is killed is
run again with the same words and goes on behind the last part that the manifest names; a part that
it does not name is written over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from shared.ledger.export_store import Store
from shared.ledger.filters import UsageFilters
from shared.ledger.forms.parquet import parquet_of
from shared.ledger.pages import Row, RowKey, key_of, read_page_at_once
from shared.ledger.rows_as_text import Format, encode_rows, header, numeral

MANIFEST = "manifest.json"
ROWS_A_PART = 100_000
_ROWS_A_QUERY = 5_000


class ExportMismatch(ValueError):
    """The place holds the export of something else, or a part that was changed."""


class Part(msgspec.Struct, frozen=True):
    """`total_tokens` and `cost_total_usd` (a numeral) sum its rows; `unpriced` have no cost."""

    name: str
    rows: int
    unpriced: int
    total_tokens: int
    cost_total_usd: str
    bytes: int
    sha256: str
    last_created_at: datetime
    last_request_id: str


class Manifest(msgspec.Struct, frozen=True):
    """`what` is what was asked for; `is_complete`: nothing is missing."""

    what: dict[str, Any]
    format: Format
    parts: tuple[Part, ...] = ()
    is_complete: bool = False

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def cost_total_usd(self) -> Decimal:
        return sum((Decimal(part.cost_total_usd) for part in self.parts), Decimal(0))

    def encode(self) -> bytes:
        known = {
            "rows": self.rows,
            "total_tokens": sum(part.total_tokens for part in self.parts),
            "unpriced": sum(part.unpriced for part in self.parts),
            "cost_total_usd": numeral(self.cost_total_usd),
        }
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return msgspec.json.format(msgspec.json.encode({**fields, "sums": known}), indent=2) + b"\n"


def export(
    connection: psycopg.Connection[Any],
    store: Store,
    filters: UsageFilters,
    form: Format,
    *,
    rows_a_part: int = ROWS_A_PART,
) -> Iterator[Manifest]:
    """Write what is missing, oldest rows first; the manifest after each part, and when complete.

    Raises ExportMismatch, OSError (or what S3 raises) where it cannot be written, psycopg.Error,
    and ImportError where Parquet is asked for and pyarrow is not installed.
    """
    manifest = _begun(store, filters, form)
    while not manifest.is_complete:
        after = None
        if manifest.parts:
            last = manifest.parts[-1]
            after = RowKey(last.last_created_at, last.last_request_id)
        rows = _rows(connection, filters, after, rows_a_part)
        if rows:
            manifest = msgspec.structs.replace(
                manifest, parts=(*manifest.parts, _write_part(store, rows, manifest))
            )
        if len(rows) < rows_a_part:
            manifest = msgspec.structs.replace(manifest, is_complete=True)
        store.put(MANIFEST, manifest.encode())
        yield manifest


def verify(store: Store) -> Manifest:
    """Read every part again and hold it against its digest. Raises ExportMismatch."""
    manifest = _held(store)
    if manifest is None:
        raise ExportMismatch(f"there is no {MANIFEST}")
    for part in manifest.parts:
        content = store.get(part.name)
        if content is None or hashlib.sha256(content).hexdigest() != part.sha256:
            raise ExportMismatch(f"{part.name} is not what the manifest says")
    return manifest


def _begun(store: Store, filters: UsageFilters, form: Format) -> Manifest:
    what = {
        name: value for name, value in msgspec.to_builtins(filters).items() if value is not None
    }
    held = _held(store)
    if held is None:
        return Manifest(what, form)
    if (held.what, held.format) != (what, form):
        raise ExportMismatch(
            f"the {MANIFEST} there is of another export ({held.format}, {held.what});"
            " choose another place, or ask for the same"
        )
    return held


def _held(store: Store) -> Manifest | None:
    content = store.get(MANIFEST)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ExportMismatch(f"the {MANIFEST} there is not one of ours") from error


def _rows(
    connection: psycopg.Connection[Any], filters: UsageFilters, after: RowKey | None, limit: int
) -> list[Row]:
    rows: list[Row] = []
    while len(rows) < limit:
        some = read_page_at_once(
            connection, filters, after=after, limit=min(_ROWS_A_QUERY, limit - len(rows))
        )
        rows += some
        if not some:
            break
        after = key_of(some[-1])
    return rows


def _write_part(store: Store, rows: list[Row], manifest: Manifest) -> Part:
    name = f"usage-{len(manifest.parts) + 1:05d}.{manifest.format.suffix}"
    content = _content(rows, manifest.format)
    store.put(name, content)
    costs = [row["cost_total_usd"] for row in rows]
    last = key_of(rows[-1])
    return Part(
        name=name,
        rows=len(rows),
        unpriced=costs.count(None),
        total_tokens=sum(row["total_tokens"] or 0 for row in rows),
        cost_total_usd=numeral(sum((cost for cost in costs if cost is not None), Decimal(0))),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        last_created_at=last.created_at,
        last_request_id=last.request_id,
    )


def _content(rows: list[Row], form: Format) -> bytes:
    if form is Format.PARQUET:
        return parquet_of(rows)
    return header(form) + encode_rows(rows, form)
