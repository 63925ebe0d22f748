"""What could not become rows of usage, kept whole for somebody to look at; nothing is dropped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

from shared.ledger.batch import decode_batch
from shared.ledger.faults import InvalidRecord, is_at_fault
from shared.ledger.rows import write_batch
from shared.log import one_line

KEPT_DAYS = 90


class Quarantined(msgspec.Struct, frozen=True):
    id: int
    stream_id: str
    error: str
    payload_bytes: int
    created_at: datetime


def quarantine(
    connection: psycopg.Connection[Any], *, stream_id: str, payload: bytes, error: str
) -> bool:
    """Keep what came in that stream entry; False where it is kept already.

    `payload` is a batch (shared/ledger/batch.py) of one record, or an entry that was no batch.
    """
    inserted = connection.execute(
        "INSERT INTO usage_quarantine (stream_id, payload, error)"
        " SELECT %(stream_id)s, %(payload)s, %(error)s WHERE NOT EXISTS ("
        " SELECT FROM usage_quarantine WHERE stream_id = %(stream_id)s AND payload = %(payload)s)",
        {"stream_id": stream_id, "payload": payload, "error": error.replace("\0", "")},
    )
    return inserted.rowcount > 0


def trim_quarantine(connection: psycopg.Connection[Any]) -> int:
    """Forget what was resolved more than KEPT_DAYS ago; how many. Raises psycopg.Error."""
    return connection.execute(
        "DELETE FROM usage_quarantine WHERE resolved_at < now() - make_interval(days => %s)",
        (KEPT_DAYS,),
    ).rowcount


def list_quarantined(connection: psycopg.Connection[Any]) -> list[Quarantined]:
    """What is not resolved, oldest first."""
    with connection.cursor(row_factory=class_row(Quarantined)) as cursor:
        return cursor.execute(
            "SELECT id, stream_id, error, length(payload) AS payload_bytes, created_at"
            " FROM usage_quarantine WHERE resolved_at IS NULL ORDER BY id"
        ).fetchall()


def retry_quarantined(connection: psycopg.Connection[Any], quarantine_id: int) -> str | None:
    """Write what was set aside; None where it is written now, else why it still cannot be.

    `connection` is in autocommit. Raises psycopg.Error where the database is at fault.
    """
    row = connection.execute(
        "SELECT payload FROM usage_quarantine WHERE id = %s AND resolved_at IS NULL",
        (quarantine_id,),
    ).fetchone()
    if row is None:
        return "there is no such open entry"
    try:
        batch = decode_batch(row[0])
        write_batch(connection, batch.finals, batch.orphans)
    except msgspec.DecodeError as error:
        return one_line(error)
    except (InvalidRecord, psycopg.Error) as error:
        if not is_at_fault(error):
            raise
        return one_line(error)
    connection.execute(
        "UPDATE usage_quarantine SET resolved_at = now() WHERE id = %s", (quarantine_id,)
    )
    return None
