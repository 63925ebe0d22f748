"""Next month's partition, made before the month begins.

The writer makes a missing one itself: this only keeps that work out of the first second of a month.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from shared.ledger.partitions import ensure_ahead
from shared.log import get_logger

PARTITIONS_ACTOR = "usage.partitions"


def prepare_partitions(connection: psycopg.Connection[Any], now: datetime) -> None:
    """`now` is aware of its zone; `connection` is in autocommit."""
    made = ensure_ahead(connection, now)
    if made:
        get_logger().info("usage.partitions_made", partitions=made)
