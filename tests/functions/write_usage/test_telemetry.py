"""A collector is told of what was written, once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import redis

from functions.write_usage.drain import write_entries
from functions.write_usage.function import WRITE_USAGE
from functions.write_usage.job import Writer
from shared.db.thread_connection import ThreadConnections
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.record import UsageFinal
from shared.settings import load_settings
from shared.spool.stream import FIELD, Entry
from tests.fakes.collector import Collector, attributes_of
from tests.fakes.usage_records import final, intent


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def test_the_spans_of_written_rows_say_what_the_rows_say(
    client: redis.Redis,
    database: psycopg.Connection[Any],
    collector: Collector,
    redis_url: str,
    migrated_database_url: str,
) -> None:
    values = {
        "DATABASE_URL": migrated_database_url,
        "REDIS_URL": redis_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    writer = Writer(load_settings(*WRITE_USAGE.settings, **values))
    client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch((final(), final()), (intent(),)))})
    writer.write()
    writer.close()
    rows = database.execute(
        "SELECT request_id, cost_total_usd FROM llm_usage_logs WHERE state = 'final'"
    ).fetchall()
    said = [attributes_of(span) for span in collector.spans]
    costs = {
        one["switchyard.request_id"]: Decimal(str(one["switchyard.cost_usd"]))
        for one in said
        if "switchyard.request_id" in one
    }
    assert costs == dict(rows)
    assert len(rows) == 2


def test_what_is_delivered_again_is_told_once_and_what_is_at_fault_never(
    connections: ThreadConnections,
) -> None:
    told: list[UsageFinal] = []
    sound, wrong = final(), final(request_id="no UUID at all")
    entry = Entry("1-1", encode_batch(Batch((sound, wrong), ())))
    for _ in range(2):
        write_entries(connections.get(), [entry], on_written=told.extend)
    assert told == [sound]
