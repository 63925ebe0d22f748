"""What the actors of this function run, and share in a process: settings, Redis and PostgreSQL."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from functools import cache

import psycopg

from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections
from shared.jobs import WRITE_USAGE, clear_nudge, set_nudge
from shared.keyspace import connect
from shared.ledger.partitions import ensure_ahead
from shared.log import get_logger
from shared.settings import (
    DatabaseSettings,
    ReceiverSettings,
    RedisSettings,
    Settings,
    load_settings,
)
from shared.telemetry.open import sender_of
from shared.telemetry.settings import TelemetrySettings

SETTINGS = (DatabaseSettings, RedisSettings, ReceiverSettings, TelemetrySettings)
_RETRIED_WITHIN_S = 60  # twice the longest backoff of the job


def has_receiver(settings: ReceiverSettings) -> bool:
    """Whether billing is told of usage: where nobody is, no event is written for anybody."""
    return bool(settings.usage_webhook_url or settings.lago_api_url)


class Writer:
    """Runs the jobs, in any thread. Nothing is opened before the first one."""

    def __init__(self, settings: Settings) -> None:
        self._connections = ThreadConnections(settings[DatabaseSettings].dsn)
        self._redis = connect(settings[RedisSettings].url)
        self._is_told = has_receiver(settings[ReceiverSettings])
        self._telemetry = sender_of(settings[TelemetrySettings])

    def write(self) -> None:
        """Drain the usage stream.

        Raises psycopg.Error, an OperationalError where PostgreSQL is down, and keeps the nudge set:
        the caller's retry goes on from there, and nobody adds another one each second.
        """
        # First, so that a batch which comes while this drain ends brings a drain of its own.
        clear_nudge(self._redis, WRITE_USAGE)
        try:
            rows = drain(
                self._redis,
                self._connections.get,
                _consumer(),
                is_told=self._is_told,
                on_written=self._telemetry and self._telemetry.note,
            )
        except psycopg.Error:
            set_nudge(self._redis, WRITE_USAGE, _RETRIED_WITHIN_S)
            raise
        if rows:
            get_logger().info("usage.written", rows=rows)

    def prepare_partitions(self, now: datetime) -> None:
        """Make the partition of `now`'s month, and the next one's before that month begins.

        `write` makes a missing one itself: this only keeps that work out of a month's first second.
        """
        if made := ensure_ahead(self._connections.get(), now):
            get_logger().info("usage.partitions_made", partitions=made)

    def close(self) -> None:
        if self._telemetry is not None:
            self._telemetry.close()
        self._connections.close()
        self._redis.close()


def write_usage() -> None:
    """Writer.write, by the process's own writer. Raises SettingsInvalid, psycopg.Error."""
    _writer().write()


def prepare_partitions() -> None:
    """Writer.prepare_partitions, by the same. Raises SettingsInvalid, psycopg.Error."""
    _writer().prepare_partitions(datetime.now(UTC))


def close() -> None:
    """Writer.close, by the same: what telemetry waits to be sent is sent."""
    _writer().close()
    _writer.cache_clear()


@cache
def _writer() -> Writer:
    return Writer(load_settings(*SETTINGS))


def _consumer() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
