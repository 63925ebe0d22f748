"""What could not become rows of usage, kept whole for somebody to look at; nothing is dropped."""

from __future__ import annotations

from typing import Any

import psycopg


def quarantine(
    connection: psycopg.Connection[Any], *, stream_id: str, payload: bytes, error: str
) -> bool:
    """Keep what came in that stream entry; False where it is kept already.

    `payload` is a batch (shared/usage/batch.py) of one record, or an entry that was no batch.
    """
    inserted = connection.execute(
        "INSERT INTO usage_quarantine (stream_id, payload, error)"
        " SELECT %(stream_id)s, %(payload)s, %(error)s WHERE NOT EXISTS ("
        " SELECT FROM usage_quarantine WHERE stream_id = %(stream_id)s AND payload = %(payload)s)",
        {"stream_id": stream_id, "payload": payload, "error": error.replace("\0", "")},
    )
    return inserted.rowcount > 0
