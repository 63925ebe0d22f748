"""Several processes that lease from one Redis, at a time that the test sets, and all that befalls
them; beside it the plain truth of what was spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError

from shared.keyspace import connect_async
from shared.limits import script
from shared.limits.book import Held
from shared.limits.exchange import Exchange, Outcome
from shared.limits.grant import Answer, Grants
from shared.limits.lease import Lease
from shared.limits.limit import Kind, Limit, OnBudget, Scope
from shared.limits.periods import Period

NOW = "test:now"
_SET_TIME = script.SCRIPT.replace("redis.call('TIME')", f"{{redis.call('GET', '{NOW}'), 0}}")
AMOUNTS = {Kind.DAY: 1000, Kind.REQUESTS: 120, Kind.CONCURRENT: 10}


class World:
    """Redis, time and PostgreSQL, which hears of what was settled `confirmed_s` later.

    `doubted` is what processes could not tell Redis, or were not told that it had heard: lost
    together with Redis, nobody can say whether the others had seen it.
    """

    def __init__(
        self, url: str, loop: asyncio.AbstractEventLoop, *, confirmed_s: float = 3.0
    ) -> None:
        self.loop = loop
        self.confirmed_s = confirmed_s
        self.doubted = 0
        self.reached: list[int] = []
        self.now_s = 1000.0
        self.redis_ahead_s = 0.0
        self.spent = 0
        self._settled: list[tuple[float, int]] = []
        self.amounts = dict(AMOUNTS)
        self.redis: Any = connect_async(url)
        self.do(self.redis.flushdb())
        self.pass_by(0.0)

    def do(self, awaited: Any) -> Any:
        return self.loop.run_until_complete(awaited)

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds
        self._tell()

    def set_clock(self, by_s: float) -> None:
        """Redis' own clock is set on or back."""
        self.redis_ahead_s += by_s
        self._tell()

    def _tell(self) -> None:
        self.do(self.redis.set(NOW, repr(1_700_000_000 + self.now_s + self.redis_ahead_s)))

    def lose_redis(self) -> None:
        self.do(self.redis.flushdb())
        self._tell()

    def close(self) -> None:
        self.do(self.redis.aclose())

    def spend(self, amount: int) -> None:
        self.spent += amount
        self._settled.append((self.now_s, amount))

    def confirmed(self, before_s: float) -> int:
        """Of what was settled before then."""
        until_s = self.now_s - self.confirmed_s
        return sum(amount for at, amount in self._settled if at < before_s and at <= until_s)

    async def floors(self, leases: Sequence[Lease]) -> bool:
        for lease in leases:
            lease.floor = self.confirmed(lease.floor_before)
        return True

    def limit(self) -> Limit:
        return Limit(
            id=1,
            scope=Scope.ALL,
            subject="*",
            amounts=tuple(self.amounts.items()),
            is_soft=False,
            on_budget=OnBudget.REFUSE,
            counts_byok=False,
            zone=ZoneInfo("UTC"),
        )


class _Faulty(Grants):
    """`lost` counts calls to come that fail: before they reached Redis, or only their answer."""

    def __init__(self, world: World) -> None:
        super().__init__(world.redis)
        self._script = world.redis.register_script(_SET_TIME)
        self._world = world
        self.lost: list[str] = []
        self.said: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def call(self, *args: Any, **kwargs: Any) -> Answer:
        fault = self.lost.pop() if self.lost else None
        if fault is not None:
            told = kwargs["meters"].get(Kind.DAY)
            self._world.doubted += told.used - told.acked if told else 0
        if fault == "question":
            raise RedisError("not sent")
        self.said.append((args, kwargs))
        answer = await super().call(*args, **kwargs)
        if fault == "answer":
            raise RedisError("timed out")
        return answer

    async def repeat(self, back: int) -> None:
        """An earlier call arrives once more."""
        args, kwargs = self.said[-min(back, len(self.said))]
        await super().call(*args, **kwargs)


class Process:
    def __init__(self, world: World) -> None:
        self.world = world
        self.grants = _Faulty(world)
        self.exchange = Exchange(
            self.grants,
            world.floors,
            lambda _, percent: world.reached.append(percent),
            clock=lambda: world.now_s,
        )
        self.open: list[dict[Lease, int]] = []
        self.world.do(self.renew())

    def lease(self, kind: Kind) -> Lease:
        limit, world = self.world.limit(), self.world
        lease = self.exchange.leases.get(kind)
        if lease is None:
            period = Period("today", 0.0, 2e12) if kind.is_money else None
            held = Held(limit, "*", "all:*")
            lease = Lease(kind, held, kind, world.amounts[kind], period, world.now_s)
            self.exchange.leases[kind] = lease
        lease.adopt(limit, world.amounts[kind])
        lease.touched_at = world.now_s
        return lease

    def reserve(self, needs: Mapping[Kind, int]) -> bool:
        """As a request does: from what is held, else by one call."""
        now = self.world.now_s
        wanted = {self.lease(kind): need for kind, need in needs.items()}
        parts = {lease: lease.earmark(need, now) for lease, need in wanted.items()}
        rest = {lease: need - parts[lease] for lease, need in wanted.items()}
        asks = any(rest.values())
        if asks and self.world.do(self.exchange.ask(rest)) is not Outcome.GRANTED:
            for lease, part in parts.items():
                lease.give_back(part)
            return False
        self.open.append(wanted)
        return True

    def settle(self, share: float) -> None:
        for lease, need in self.open.pop(0).items():
            actual = 0 if lease.kind is Kind.CONCURRENT else int(need * share)
            lease.settle(need, actual, self.world.now_s)
            if lease.kind.is_money:
                self.world.spend(actual)

    async def renew(self) -> None:
        await self.exchange.renew(self.exchange.leases.values(), whole=True)

    def held(self, kind: Kind) -> int:
        """Reserved, and what can still be without asking."""
        lease = self.exchange.leases.get(kind)
        return 0 if lease is None else lease.reserved + lease.usable(self.world.now_s)
