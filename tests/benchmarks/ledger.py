"""How fast usage becomes rows, and rows an answer: `python -m tests.benchmarks.ledger`.

A month is written by the writer itself, from the stream to the table: two drains, as a worker of
the Procfile has two threads, on one core; PostgreSQL and Valkey have the other. Then come every
summary and some pages, of all and of one user, and two plans.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import resource
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import redis
from msgspec import structs

from functions.write_usage.drain import drain
from shared.db.thread_connection import ThreadConnections
from shared.embedded import start_postgres, start_valkey
from shared.keyspace import USAGE_STREAM
from shared.ledger.batch import Batch, encode_batch
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import RowKey, key_of, read_page
from shared.ledger.pages import statement as page_statement
from shared.ledger.record import UsageFinal
from shared.ledger.summary import GROUPS, read_summary
from shared.ledger.summary import statement as summary_statement
from shared.migrate.steps import migrate
from shared.spool.stream import FIELD
from tests.fakes.usage_records import final

MONTH = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 31
USERS, MODELS = 500, 4
_A_BATCH = 500
_A_CHUNK = 200_000
_DRAINS = 2
_TIMES = 15
_WRITER_CORE, _SERVICES_CORE = 0, 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    os.sched_setaffinity(0, {_SERVICES_CORE})
    with tempfile.TemporaryDirectory(prefix="switchyard-ledger-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = start_postgres(folder / "postgres", durable=False)
        valkey = start_valkey(folder / "valkey", persist=False)
        os.sched_setaffinity(0, {_WRITER_CORE})
        try:
            migrate(postgres.dsn, lambda line: None)
            fill(postgres.dsn, valkey.url, options.rows)
            asyncio.run(ask(postgres.dsn))
        finally:
            valkey.stop()
            postgres.stop(mode="immediate")


def fill(dsn: str, redis_url: str, rows: int) -> None:
    client = redis.Redis.from_url(redis_url)
    rates: list[float] = []
    cpu_s = 0.0
    records = month(rows)
    connections = ThreadConnections(dsn)
    with ThreadPoolExecutor(_DRAINS) as pool:
        while waiting := add(client, itertools.islice(records, _A_CHUNK)):
            began, cpu = time.perf_counter(), time.process_time()
            names = [f"bench-{number}" for number in range(_DRAINS)]
            written = sum(pool.map(lambda name: drain(client, connections.get, name), names))
            took = time.perf_counter() - began
            cpu_s += time.process_time() - cpu
            assert written == waiting, (written, waiting)
            rates.append(written / took)
    connections.get().execute("ANALYZE")
    connections.close()
    print(
        f"writer, rows/s: median {statistics.median(rates):,.0f}, worst {min(rates):,.0f},"
        f" best {max(rates):,.0f} of {len(rates)} chunks of {_A_CHUNK:,};"
        f" its own CPU {cpu_s / rows * 1e6:.1f} us a row,"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most"
    )


def add(client: redis.Redis, records: Iterator[UsageFinal]) -> int:
    """Into the stream, as a gateway sends them on; how many."""
    added = 0
    while finals := tuple(itertools.islice(records, _A_BATCH)):
        client.xadd(USAGE_STREAM, {FIELD: encode_batch(Batch(finals, ()))})
        added += len(finals)
    return added


def month(rows: int) -> Iterator[UsageFinal]:
    """In the order of time, as the writer sees them."""
    chance = random.Random(7)  # noqa: S311  the same month each time
    pause = timedelta(days=DAYS) / rows
    one = final()
    for number in range(rows):
        user = int(USERS * chance.random() ** 2)
        yield structs.replace(
            one,
            request_id=_id_at(MONTH + number * pause, chance),
            user_id=f"user-{user}",
            team_id=f"team-{user % 20}",
            access_token_id=None,
            model_id=1 + chance.randrange(MODELS),
            power_level=("eco", "balanced", "precision")[chance.randrange(3)],
        )


def _id_at(moment: datetime, chance: random.Random) -> str:
    head = int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62
    return str(uuid.UUID(int=head | chance.getrandbits(12) << 64 | chance.getrandbits(62)))


async def ask(dsn: str) -> None:
    whole = UsageFilters(None, start=MONTH, end=MONTH + timedelta(days=DAYS))
    mine = structs.replace(whole, user_id="user-0")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        middle = key_of((await read_page(connection, whole, after=None, limit=1))[0])
        middle = RowKey(MONTH + timedelta(days=DAYS // 2), middle.request_id)
        print("\nsummary by                    all, ms    one user, ms   (medians of 15)")
        for group in GROUPS:
            took = [
                await median_ms(lambda f=filters, g=group: read_summary(connection, f, [g]))
                for filters in (whole, mine)
            ]
            print(f"{group:28}{took[0]:>10.1f}{took[1]:>16.1f}")
        print("\npage of 100                   all, ms    one user, ms")
        for words, after in (("newest", None), ("from the middle on", middle)):
            took = [
                await median_ms(
                    lambda f=filters, a=after: read_page(connection, f, after=a, limit=101)
                )
                for filters in (whole, mine)
            ]
            print(f"{words:28}{took[0]:>10.1f}{took[1]:>16.1f}")
        await show_plan(
            connection,
            "a page of one user",
            *page_statement(mine, after=middle, limit=101, newest_first=True),
        )
        await show_plan(connection, "the summary by user", *summary_statement(whole, ["user"]))


async def median_ms(query: Callable[[], Awaitable[Any]]) -> float:
    times: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await query()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def show_plan(
    connection: psycopg.AsyncConnection[Any], words: str, query: Any, values: dict[str, Any]
) -> None:
    explain = psycopg.sql.SQL("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ") + query
    cursor = await connection.execute(explain, values)
    print(f"\nplan of {words}:")
    for (line,) in await cursor.fetchall():
        print(f"  {line[:150]}")


if __name__ == "__main__":
    main()
