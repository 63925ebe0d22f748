"""Usage records become rows of llm_usage_logs, each exactly once, with all that is derived of them.

The daily sums, the billing outbox and the totals of a user's key move in the transaction of the
rows they are about, and only for rows that were really written: a record delivered twice, by
whichever way, changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg
from msgspec import structs

from shared.ledger import statements as statements
from shared.ledger.faults import InvalidRecord
from shared.ledger.partitions import ensure_month
from shared.ledger.record import UsageFinal, UsageIntent
from shared.ledger.request_id import created_at
from shared.ledger.texts import with_sound_texts

# Any number, the same in every release. One writer at a time: the sums of a replaced row are taken
# back from what it held before, which nobody else may change meanwhile.
_LOCK = 0x5357_5752
# jsonb, among fields that are columns as they are.
_ATTEMPTS = statements.STAGED.index("attempts")
_TAGS = statements.STAGED.index("tags")
_STATE = statements.STAGED.index("state")

# The values of statements.STAGED; the last is `created_at`.
_Row = tuple[Any, ...]


@dataclass(frozen=True)
class Written:
    """How many records became new rows, replaced an `indeterminate` row, or were there already."""

    inserted: int
    replaced: int
    ignored: int

    @property
    def rows(self) -> int:
        return self.inserted + self.replaced


def write_batch(
    connection: psycopg.Connection[Any],
    finals: Sequence[UsageFinal],
    orphans: Sequence[UsageIntent],
    *,
    is_told: bool = True,
) -> Written:
    """Write the records in one transaction, making the partition of a month that has none.

    A FINAL replaces a row `indeterminate` and nothing else; an orphan replaces nothing. Of several
    records of one request a FINAL wins. `is_told`: billing has a receiver, who is to be told of
    each row. `connection` is in autocommit mode, outside a transaction.

    A record is at fault for its id or its numbers, never for its texts.

    Raises InvalidRecord or psycopg.Error; nothing of the batch is written then (faults.py says
    whose fault it is).
    """
    rows = _rows(finals, orphans)
    if not rows:
        return Written(0, 0, 0)
    moments = [row[-1] for row in rows]
    values = {"first": min(moments), "last": max(moments), "is_told": is_told}
    _ensure_partitions(connection, moments)
    with connection.transaction():
        _stage(connection, rows)
        # Not sooner: while one writer has the place, the next one stages.
        hold_writer(connection)
        inserted, replaced = _write_staged(connection, values)
    return Written(inserted, replaced, len(finals) + len(orphans) - inserted - replaced)


def hold_writer(connection: psycopg.Connection[Any]) -> None:
    """Wait for the writer's place, and keep it until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


async def missing_request_ids(
    connection: psycopg.AsyncConnection[Any], ids: Sequence[str], *, final_only: bool = False
) -> set[str]:
    """Those of `ids` that PostgreSQL holds neither as a row nor in the quarantine.

    With `final_only` a row `indeterminate` does not count: a FINAL is still to replace it.
    """
    missing = set(ids)
    moments = [moment for moment in map(_moment, ids) if moment is not None]
    if moments:
        found = await connection.execute(
            statements.PRESENT,
            {
                "ids": list(ids),
                "first": min(moments),
                "last": max(moments),
                "final_only": final_only,
            },
        )
        missing -= {row[0] for row in await found.fetchall()}
    if missing:
        found = await connection.execute(statements.QUARANTINED, {"ids": list(missing)})
        missing -= {row[0] for row in await found.fetchall()}
    return missing


def _ensure_partitions(connection: psycopg.Connection[Any], moments: Iterable[datetime]) -> None:
    for year, month in {(moment.year, moment.month) for moment in moments}:
        ensure_month(connection, date(year, month, 1))


def _count(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    return row[0] if row else 0


def _stage(connection: psycopg.Connection[Any], rows: Iterable[_Row]) -> None:
    connection.execute(statements.MAKE_STAGING)
    with connection.cursor() as cursor, cursor.copy(statements.COPY_TO_STAGING) as copy:
        for row in rows:
            copy.write_row(row)


def _write_staged(connection: psycopg.Connection[Any], values: dict[str, Any]) -> tuple[int, int]:
    """The numbers of rows inserted and replaced."""
    try:
        # Nearly every batch is new as a whole, and asking of each row costs a third more.
        with connection.transaction():
            return connection.execute(statements.WRITE_ALL, values).rowcount, 0
    except psycopg.errors.UniqueViolation:
        replaced = _count(connection.execute(statements.UNCOUNT_REPLACED, values))
        written = connection.execute(statements.WRITE_MISSING, values).rowcount
        return written - replaced, replaced


def _rows(finals: Iterable[UsageFinal], orphans: Iterable[UsageIntent]) -> list[_Row]:
    rows: dict[str, _Row] = {}
    for final in finals:
        rows.setdefault(final.request_id, _final_row(final))
    for orphan in orphans:
        rows.setdefault(orphan.request_id, _orphan_row(orphan))
    return list(rows.values())


def _final_row(record: UsageFinal) -> _Row:
    final = with_sound_texts(record)
    row = [*structs.astuple(final), _created_at(final.request_id)]
    row[_ATTEMPTS] = _json([structs.asdict(attempt) for attempt in final.attempts])
    row[_TAGS] = _json(final.tags)
    row[_STATE] = final.state or "final"
    return tuple(row)


def _orphan_row(record: UsageIntent) -> _Row:
    intent = with_sound_texts(record)
    known: dict[str, Any] = {
        **structs.asdict(intent),
        "attempts": "[]",
        "tags": _json(intent.tags),
        "used_byok": False,
        "was_fallback": False,
        "state": "indeterminate",
        "created_at": _created_at(intent.request_id),
    }
    return tuple(known.get(name) for name in statements.STAGED)


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _created_at(request_id: str) -> datetime:
    moment = _moment(request_id)
    if moment is None:
        raise InvalidRecord(
            f"request id {request_id[:100]!r} is not a UUIDv7 of a year before 9999"
        )
    return moment


def _moment(request_id: str) -> datetime | None:
    try:
        moment = created_at(request_id)
    except ValueError:
        return None
    return moment if moment.year < date.max.year else None
