"""A writer of usage that may be killed at any moment: `python writer_process.py DATABASE REDIS`."""

from __future__ import annotations

import os
import sys
import time

import redis

from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections


def main(database_url: str, redis_url: str) -> None:
    connections = ThreadConnections(database_url)
    with redis.Redis.from_url(redis_url) as client:
        while True:
            drain(client, connections.get, f"writer:{os.getpid()}", stale_after_ms=200)
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
