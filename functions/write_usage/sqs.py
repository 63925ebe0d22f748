"""Lambda's entry: batches of usage out of SQS messages, and the jobs by their schedules.

A message's body is a batch (shared/ledger/batch.py) in base64. SQS deletes what this does not name
as failed; the rest comes again, and after some times goes to the dead-letter queue.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import psycopg

from functions.write_usage.drain import OnWritten, write_entries
from functions.write_usage.function import WRITE_USAGE
from functions.write_usage.job import has_receiver
from shared.aws.jobs import run_job
from shared.db.thread_connection import ThreadConnections
from shared.ledger.faults import is_away
from shared.log import configure_logging, get_logger, one_line
from shared.settings import (
    DatabaseSettings,
    LogSettings,
    ReceiverSettings,
    load_settings,
)
from shared.spool.stream import Entry
from shared.telemetry.open import sender_of
from shared.telemetry.settings import TelemetrySettings

Event = Mapping[str, Any]


class SqsWriter:
    """Keeps its connection from one call to the next; one that broke meanwhile is replaced."""

    def __init__(
        self,
        connections: ThreadConnections,
        *,
        is_told: bool = True,
        on_written: OnWritten | None = None,
    ) -> None:
        """`is_told`: as in write_batch. `on_written`: as in write_entries."""
        self._connections = connections
        self._is_told = is_told
        self._on_written = on_written

    def write(self, messages: Sequence[Event]) -> list[str]:
        """The ids of the messages that could not be written: PostgreSQL is down, or refuses them.

        A record at fault is no reason: it goes to the quarantine, alone.
        """
        entries = {message["messageId"]: _entry(message) for message in messages}
        try:
            rows = self._write([*entries.values()])
        except psycopg.Error as error:
            _warn(error, len(entries))
            if is_away(error):
                return [*entries]
            return [name for name, entry in entries.items() if not self._is_written(entry)]
        get_logger().info("usage.written", rows=rows, messages=len(entries))
        return []

    def close(self) -> None:
        self._connections.close()

    def _write(self, entries: Sequence[Entry]) -> int:
        return write_entries(
            self._connections.get(),
            entries,
            is_told=self._is_told,
            on_written=self._on_written,
        )

    def _is_written(self, entry: Entry) -> bool:
        try:
            self._write([entry])
        except psycopg.Error as error:
            _warn(error, 1)
            return False
        return True


def _entry(message: Event) -> Entry:
    """What is no base64 is no batch either: it goes to the quarantine as it came."""
    body: str = message["body"]
    try:
        data = b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        data = body.encode()
    return Entry(f"sqs:{message['messageId']}", data)


def _warn(error: psycopg.Error, messages: int) -> None:
    get_logger().warning("usage.postponed", messages=messages, reason=one_line(error))


@cache
def _writer() -> SqsWriter:
    settings = load_settings(LogSettings, DatabaseSettings, ReceiverSettings, TelemetrySettings)
    configure_logging(settings[LogSettings])
    telemetry = sender_of(settings[TelemetrySettings])
    return SqsWriter(
        ThreadConnections(settings[DatabaseSettings].dsn),
        is_told=has_receiver(settings[ReceiverSettings]),
        # At once: between two calls a Lambda is frozen.
        on_written=telemetry and telemetry.send,
    )


def handler(event: Event, context: object) -> dict[str, Any]:
    writer = _writer()
    if "Records" not in event:
        return run_job(WRITE_USAGE, event)
    failed = writer.write(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
