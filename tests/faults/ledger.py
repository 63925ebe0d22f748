"""Usage to write, and whether what was written of it is exact."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import psycopg
import redis

from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.record import UsageFinal
from shared.spool.stream import FIELD
from tests.fakes.usage_records import final


def some(number: int, seed: int = 7) -> list[UsageFinal]:
    chance = random.Random(seed)
    return [
        final(
            user_id=f"user-{chance.randrange(20)}",
            cost_total_pico_usd=chance.randrange(10**12),
            total_tokens=chance.randrange(10**6),
        )
        for _ in range(number)
    ]


class Ledger:
    def __init__(self, database_url: str) -> None:
        self._dsn = database_url

    def rows(self) -> int:
        return int(self._one("SELECT count(*) FROM llm_usage_logs")[0])

    def assert_exact(self, records: list[UsageFinal]) -> None:
        """Count, sum of the rows and sum of the days: those of the records, each once."""
        expected = (
            len(records),
            sum(record.total_tokens or 0 for record in records),
            Decimal(sum(record.cost_total_pico_usd or 0 for record in records)).scaleb(-12),
        )
        sums = "sum(total_tokens), sum(cost_total_usd)"
        assert self._one(f"SELECT count(*), {sums} FROM llm_usage_logs") == expected
        assert self._one(f"SELECT sum(requests), {sums} FROM usage_daily") == expected
        assert self._one("SELECT count(*) FROM usage_outbox") == (len(records),)

    def _one(self, query: str) -> tuple[Any, ...]:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row


def add(url: str, records: list[UsageFinal], size: int = 10) -> None:
    with redis.Redis.from_url(url) as client:
        for start in range(0, len(records), size):
            batch = Batch(tuple(records[start : start + size]), ())
            client.xadd(USAGE_STREAM, {FIELD: encode_batch(batch)})
