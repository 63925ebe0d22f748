from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis

from shared.db.thread_connection import ThreadConnections


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def connections(migrated_database_url: str) -> Iterator[ThreadConnections]:
    connections = ThreadConnections(migrated_database_url)
    yield connections
    connections.close()


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the test's own, to look at what was written."""
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection
