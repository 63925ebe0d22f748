"""A process that serves requests under limits: it is killed without a word, and others like it.

    python limit_process.py <redis url> <folder> <name> budget|rate|naive <limit>

It writes down what it did, `<monotonic s> <reserved> <used>` a line: of a request both its
reservation (`used` -1) and its end. PostgreSQL is those lines, and is away while `away` is there.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shared.keyspace import connect_async
from shared.limits.book import Subjects
from shared.limits.exchange import Exchange
from shared.limits.grant import Grants
from shared.limits.hold import Hold, Needs, Used
from shared.limits.lease import Lease
from shared.limits.limit import Kind, Limit, OnBudget, Scope
from shared.limits.limits import Limits
from shared.limits.reached import BudgetUnknown, LimitReached

STREAMS = 16
NAIVE = "test:naive"


class Journal:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, reserved: int, used: int) -> None:
        os.write(self._file, f"{time.monotonic()!r} {reserved} {used}\n".encode())

    async def floors(self, leases: Sequence[Lease]) -> bool:
        if (self._folder / "away").exists():
            return False
        lines = [
            line.split()
            for file in self._folder.glob("budget-*")
            for line in file.read_text().splitlines()
        ]
        for lease in leases:
            lease.floor = sum(
                int(used)
                for at, _, used in lines
                if int(used) > 0 and float(at) < lease.floor_before
            )
        return True


async def serve(limits: Limits, journal: Journal) -> None:
    """One request after another, of another cost each."""
    who = Subjects(None, "ann", None, "free", None)
    while True:
        most = random.randint(50, 150)
        hold = limits.hold_for(who)
        assert isinstance(hold, Hold)
        try:
            await hold.take((), Needs(1, most, is_own_key=False))
        except (LimitReached, BudgetUnknown):
            await asyncio.sleep(0.02)
            continue
        journal.note(most, -1)
        await asyncio.sleep(random.uniform(0, 0.02))
        used = random.randint(0, most)
        journal.note(most, used)
        hold.settle(Used(1, used, is_own_key=False))


async def serve_naively(redis: Any, journal: Journal, limit: int) -> None:
    """As others do: look first, count afterwards."""
    while True:
        most = random.randint(50, 150)
        if int(await redis.get(NAIVE) or 0) + most > limit:
            await asyncio.sleep(0.02)
            continue
        journal.note(most, -1)
        await asyncio.sleep(random.uniform(0, 0.02))
        used = random.randint(0, most)
        journal.note(most, used)
        await redis.incrby(NAIVE, used)


async def main(url: str, folder: Path, name: str, way: str, limit: int) -> None:
    redis: Any = connect_async(url, 0.25)
    journal = Journal(folder, f"{way}-{name}")
    if way == "naive":
        await asyncio.gather(*(serve_naively(redis, journal, limit) for _ in range(STREAMS)))
    kind, scope = (Kind.MONTH, Scope.ALL) if way == "budget" else (Kind.REQUESTS, Scope.USER)
    exchange = Exchange(Grants(redis), journal.floors, lambda *_: None)
    limits = Limits(exchange)
    zone = ZoneInfo("UTC")
    limits.set_rows([Limit(1, scope, "*", ((kind, limit),), False, OnBudget.REFUSE, False, zone)])
    await asyncio.gather(exchange.run(), *(serve(limits, journal) for _ in range(STREAMS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:5], int(sys.argv[5])))
