"""A writer of usage that may be killed at any moment.

    python -m tests.faults.writer_process DATABASE REDIS

It has points of death, too (tests/fakes/death.py).
"""

from __future__ import annotations

import os
import sys
import time

import redis

from functions.write_usage import drain as draining
from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections
from shared.ledger import rows as usage_rows
from shared.spool.stream import StreamConsumer
from tests.fakes.death import before, behind

POINTS = ("after_read", "before_write", "before_commit", "after_commit", "after_settle")


def make_mortal() -> None:
    StreamConsumer.unread = behind("after_read", StreamConsumer.unread)
    usage_rows.hold_writer = before("before_write", usage_rows.hold_writer)
    usage_rows._write_staged = behind("before_commit", usage_rows._write_staged)
    draining.write_entries = behind("after_commit", draining.write_entries)
    StreamConsumer.settle = behind("after_settle", StreamConsumer.settle)


def main(database_url: str, redis_url: str) -> None:
    connections = ThreadConnections(database_url)
    with redis.Redis.from_url(redis_url) as client:
        while True:
            drain(client, connections.get, f"writer:{os.getpid()}", stale_after_ms=200)
            time.sleep(0.01)


if __name__ == "__main__":
    make_mortal()
    main(sys.argv[1], sys.argv[2])
