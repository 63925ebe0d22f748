"""What the actors of this function share in a process: settings, Redis and PostgreSQL."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from functools import cache

import psycopg
import redis

from functions.write_usage.drain import drain
from functions.write_usage.partitions import prepare_partitions
from shared.db.thread_connection import ThreadConnections
from shared.ledger.batch import NUDGE
from shared.log import get_logger
from shared.settings import DatabaseSettings, RedisSettings, Settings, load_settings

SETTINGS = (DatabaseSettings, RedisSettings)
_RETRIED_WITHIN_S = 60  # twice the longest backoff of the actor


class Writer:
    """Runs the jobs, in any thread. Nothing is opened before the first one."""

    def __init__(self, settings: Settings) -> None:
        self._connections = ThreadConnections(settings[DatabaseSettings].dsn)
        url = settings[RedisSettings].url
        self._redis = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]

    def write(self) -> None:
        """Drain the usage stream.

        Raises psycopg.Error, an OperationalError where PostgreSQL is away, and keeps the nudge set:
        the caller's retry goes on from there, and nobody adds another one each second.
        """
        # First, so that a batch which comes while this drain ends brings a drain of its own.
        self._redis.delete(NUDGE)
        try:
            rows = drain(self._redis, self._connections.get, _consumer())
        except psycopg.Error:
            self._redis.set(NUDGE, b"1", nx=True, ex=_RETRIED_WITHIN_S)
            raise
        if rows:
            get_logger().info("usage.written", rows=rows)

    def prepare_partitions(self) -> None:
        prepare_partitions(self._connections.get(), datetime.now(UTC))

    def close(self) -> None:
        self._connections.close()
        self._redis.close()


@cache
def writer() -> Writer:
    """The process's own. Raises SettingsInvalid where a setting is missing."""
    return Writer(load_settings(*SETTINGS))


def _consumer() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"
