"""What billing was told, and what was set aside and is written, is forgotten in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from shared.ledger import outbox
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.outbox import KEPT_DAYS, trim_outbox
from shared.ledger.quarantine import quarantine, trim_quarantine
from shared.ledger.rows import write_batch
from tests.fakes.usage_records import final

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("days", "change", "is_kept"),
    [
        (KEPT_DAYS + 1, "sent_at = created_at", False),
        (KEPT_DAYS - 1, "sent_at = created_at", True),
        (KEPT_DAYS + 1, "sent_at = now()", True),
        (KEPT_DAYS + 1, "send_attempts = 0", False),
        (KEPT_DAYS + 1, "send_attempts = 3", True),
        (KEPT_DAYS + 1, "failed_at = created_at", True),
    ],
    ids=[
        *("told long ago", "told lately", "old and told now", "nobody to tell, in so long"),
        *("tried", "given up, to be replayed by hand"),
    ],
)
def test_events_are_kept_as_long_as_somebody_may_want_them(
    connection: Connection, days: int, change: str, is_kept: bool
) -> None:
    write_batch(connection, [final(), final()], [])
    connection.execute(
        f"UPDATE usage_outbox SET created_at = now() - interval '{days} days'".encode()
    )
    connection.execute(f"UPDATE usage_outbox SET {change}".encode())
    assert trim_outbox(connection) == (0 if is_kept else 2)


def test_many_events_go_some_at_a_time(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_TRIMMED_AT_ONCE", 3)
    write_batch(connection, [final() for _ in range(10)], [])
    connection.execute("UPDATE usage_outbox SET created_at = '2020-01-01', sent_at = '2020-01-01'")
    assert trim_outbox(connection) == 10


def test_what_was_set_aside_goes_once_it_was_resolved_for_long(connection: Connection) -> None:
    for number, moment in enumerate(("NULL", "now()", "'2020-01-01'")):
        payload = encode_batch(Batch((final(),), ()))
        assert quarantine(connection, stream_id=f"{number}-0", payload=payload, error="e")
        connection.execute(
            f"UPDATE usage_quarantine SET resolved_at = {moment}"
            f" WHERE stream_id = '{number}-0'".encode()
        )
    assert trim_quarantine(connection) == 1


def test_neither_look_into_the_quarantine_goes_through_all_of_it(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO usage_quarantine (stream_id, payload, error)"
        " SELECT 's' || n, convert_to(n || gen_random_uuid()::text, 'UTF8'), 'e'"
        " FROM generate_series(1, 20000) AS n"
    )
    connection.execute("ANALYZE usage_quarantine")
    for query in (
        "SELECT request_id FROM usage_quarantine"
        " WHERE request_id = ANY(ARRAY['a']) AND resolved_at IS NULL",
        "SELECT FROM usage_quarantine WHERE stream_id = 'x' AND payload = 'y'",
    ):
        plan = "\n".join(
            row[0] for row in connection.execute(f"EXPLAIN {query}".encode()).fetchall()
        )
        assert "Seq Scan" not in plan, plan
