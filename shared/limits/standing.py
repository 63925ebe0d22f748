"""How much of each limit that holds for a caller is used: read, and nothing reserved."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from shared.db.connect import Database, Use
from shared.errors import ServiceUnavailable
from shared.keyspace import LIMITS, Redis
from shared.limits.book import Book, Held, Subjects
from shared.limits.lease import Lease
from shared.limits.limit import SELECT_LIMITS, Kind, read_limits
from shared.limits.periods import meter_of
from shared.limits.script import GRACE_MS
from shared.limits.spent import set_floors
from shared.resources import opener
from shared.settings import TryOutSettings


class Standing(NamedTuple):
    """Amounts are requests, tokens, open requests or nano-USD; `reserved` is what open requests may
    yet use, and what processes hold for those to come. `resets_at` is Unix seconds: when the period
    of a budget ends, or all of a rate has flowed off.
    """

    scope: str
    subject: str
    kind: Kind
    limit: int
    used: int
    reserved: int
    resets_at: float | None


class Standings:
    """Reads rows, meters and sums for each call: whoever asks does so now and then."""

    def __init__(self, database: Database, redis: Redis, *, simulated: bool) -> None:
        self._database = database
        self._redis = redis
        self._simulated = simulated

    async def of(self, who: Subjects) -> list[Standing]:
        """Raises ServiceUnavailable where PostgreSQL cannot say what was spent, and RedisError."""
        leases = [
            self._lease(held, kind, amount)
            for held in (await self._book()).of_caller(who)
            for kind, amount in held.limit.amounts
        ]
        money = [one for one in leases if one.kind.is_money]
        if not await set_floors(self._database, money, simulated=self._simulated):
            raise ServiceUnavailable("What was spent cannot be read right now; try again.")
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()  # pyright: ignore[reportUnknownMemberType]
            for lease in leases:
                pipe.hgetall(f"{LIMITS}:{lease.key}")  # pyright: ignore[reportUnknownMemberType]
            (seconds, micros), *meters = await pipe.execute()
        now_ms = seconds * 1000 + micros // 1000
        return [_standing(one, raw, now_ms) for one, raw in zip(leases, meters, strict=True)]

    async def _book(self) -> Book:
        async with (
            self._database.connection(Use.LOOK_UP) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(SELECT_LIMITS)
            return Book(read_limits(await cursor.fetchall())[0])

    def _lease(self, held: Held, kind: Kind, amount: int) -> Lease:
        key, period = meter_of(held, kind, time.time())
        return Lease(key, held, kind, amount, period, time.monotonic())


def _standing(lease: Lease, raw: Mapping[bytes, bytes], now_ms: int) -> Standing:
    flowed = max(0.0, now_ms - float(raw.get(b"at", now_ms))) * lease.leak
    used = max(0.0, float(raw.get(b"level", 0)) - flowed, lease.floor)
    grace = GRACE_MS if lease.kind.is_money else 0
    reserved = 0.0
    for name, value in raw.items():
        if name.startswith(b"h:"):
            leased, _, expires = (float(word) for word in value.split())
            reserved += leased if now_ms <= expires + grace else 0
    ends: Any = lease.period.ends if lease.period else None
    if lease.leak:
        ends = now_ms / 1000 + used / lease.leak / 1000
    return Standing(
        *(lease.limit.scope, lease.subject, lease.kind),
        *(lease.amount, round(used), round(reserved), ends),
    )


@opener
async def open_standings(
    database: Database, redis: Redis, try_out: TryOutSettings
) -> AsyncGenerator[Standings]:
    simulated = try_out.simulated_provider_url is not None
    yield Standings(database, redis, simulated=simulated)
