"""Leases asked for, renewed and given back: a call at a time, and for most requests none."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import Enum

from redis.exceptions import RedisError

from shared.limits.grant import Answer, Grants, Status
from shared.limits.lease import Lease
from shared.log import Outages, get_logger

RENEW_S = 1.0
_SOON_S = 0.05
_AWAY_S = 1.0
"""After a call in vain no request asks again for so long; the next renewal does."""
_BATCH = 200

Floors = Callable[[Sequence[Lease]], Awaitable[bool]]
"""Sets `floor` of leases of budgets to what PostgreSQL says was spent until their `floor_before`;
False where it cannot be asked."""
Reached = Callable[[Lease, int], None]
"""Told once of a budget that so much percent of it is used."""


class Outcome(Enum):
    """`AWAY`: nobody can be asked; `YOUNG`: Redis was lost, and who holds what is not known yet."""

    GRANTED = "granted"
    REFUSED = "refused"
    AWAY = "away"
    YOUNG = "young"


class Exchange:
    """One a process; belongs to the event loop it is used on. `clock` is time.monotonic()."""

    def __init__(
        self,
        grants: Grants,
        floors: Floors,
        on_reached: Reached,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.leases: dict[str, Lease] = {}
        self._grants = grants
        self._floors = floors
        self._on_reached = on_reached
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._seq = 0
        self._epoch = ""
        self._known = 0
        self._turn = asyncio.Lock()
        self._surplus: dict[str, Lease] = {}
        self._wanted = asyncio.Event()
        self._away_until = 0.0
        self._outages = Outages()

    async def run(self) -> None:
        """Renew until cancelled; an outage is logged at its start and at its end."""
        while True:
            await self.renew(self.leases.values(), whole=True)
            renew_at = self._clock() + RENEW_S
            while (left := renew_at - self._clock()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), left)
                    self._wanted.clear()
                    await asyncio.sleep(_SOON_S)
                    await self.renew(self._surplus.values(), whole=False)

    async def renew(self, leases: Iterable[Lease], *, whole: bool) -> None:
        """Tell what was used, keep what is needed, give back the rest."""
        async with self._turn:
            renewed = list(leases)
            batches = [renewed[at : at + _BATCH] for at in range(0, len(renewed), _BATCH)] or [[]]
            self._surplus = {}
            for index, batch in enumerate(batches):
                is_last = whole and index == len(batches) - 1
                if await self._send(dict.fromkeys(batch, 0), whole=is_last) is None:
                    return
            self._forget_idle()
            await self._learn_floors(renewed)

    async def ask(self, needs: Mapping[Lease, int], quote: str = "") -> Outcome:
        """Reserve `needs`, all or none, with what `quote` holds of them. Nothing is asked for in a
        pause after a call in vain.
        """
        async with self._turn:
            now = self._clock()
            is_forgotten = any(self.leases.get(one.key) is not one for one in needs)
            if now < self._away_until or is_forgotten:
                return Outcome.AWAY
            answer = await self._send(needs, quote=quote)
            if answer is not None and answer.status is Status.UNSOUND:
                if not await self._floors([one for one in needs if one.floor_at]):
                    return Outcome.AWAY
                answer = await self._send(needs)
            if answer is None or answer.status in (Status.STALE, Status.UNSOUND):
                return Outcome.AWAY
            if answer.status is Status.REBUILDING:
                return Outcome.YOUNG
            if answer.status is Status.GRANTED:
                for lease, need in needs.items():
                    lease.reserve(need)
                return Outcome.GRANTED
            self._note_refusal(needs, answer)
            return Outcome.REFUSED

    async def hand_over(self, parts: Mapping[Lease, int], quote: str) -> bool:
        """What is reserved here `quote` holds from now on; False: it does not, and may for a while
        all the same.
        """
        async with self._turn:
            for lease, part in parts.items():
                lease.hand_over(part)
            answer = await self._send(dict.fromkeys(parts, 0), quote=quote, quoted=parts)
            return answer is not None and answer.status is not Status.STALE

    def note_surplus(self, lease: Lease) -> None:
        """Give back soon what `lease` has too much."""
        self._surplus[lease.key] = lease
        self._wanted.set()

    async def leave(self) -> None:
        """Tell the last, and keep nothing."""
        for _ in range(2):  # what was used, and then that nothing is kept
            await self.renew(self.leases.values(), whole=True)

    async def _send(
        self,
        needs: Mapping[Lease, int],
        *,
        whole: bool = False,
        quote: str = "",
        quoted: Mapping[Lease, int] | None = None,
    ) -> Answer | None:
        """None where nobody answers."""
        self._seq += 1
        asked_at, held = self._clock(), quoted or {}
        calls = {
            lease.key: lease.call(need, asked_at, held.get(lease, 0))
            for lease, need in needs.items()
        }
        try:
            answer = await self._grants.call(
                self._holder,
                self._seq,
                epoch=self._epoch,
                fresh=secrets.token_hex(8),
                known=self._known,
                whole=whole,
                meters=calls,
                quote=quote,
            )
        except (RedisError, OSError) as error:
            self._away_until = self._clock() + _AWAY_S
            if self._outages.begins():
                get_logger().warning("limits.redis_away", error=type(error).__name__)
            return None
        if self._outages.ends():
            get_logger().info("limits.redis_back")
        self._away_until = 0.0
        if answer.status is Status.STALE:
            return answer
        for (lease, call), one in zip(
            zip(needs, calls.values(), strict=True), answer.meters, strict=True
        ):
            lease.answered(call, one, answer.holders, asked_at=asked_at, now=self._clock())
            if one.reached:
                self._on_reached(lease, one.reached)
        self._note_epoch(answer, whole=whole)
        return answer

    def _note_epoch(self, answer: Answer, *, whole: bool) -> None:
        """A new epoch is ours once all that we hold was claimed in it."""
        if answer.epoch != self._epoch:
            if self._epoch:
                get_logger().warning("limits.redis_lost", ready_in_ms=answer.ready_in)
            if whole or not self._epoch:
                self._epoch = answer.epoch
            else:
                self._surplus = dict(self.leases)
                self._wanted.set()
                return
        self._known = answer.known

    def _note_refusal(self, needs: Mapping[Lease, int], answer: Answer) -> None:
        for (lease, need), one in zip(needs.items(), answer.meters, strict=True):
            if need > lease.amount - one.level - one.leased:
                lease.refuse(need, self._clock(), one.wait_ms)

    def _forget_idle(self) -> None:
        now = self._clock()
        for key in [key for key, one in self.leases.items() if one.is_idle(now)]:
            del self.leases[key]

    async def _learn_floors(self, leases: Iterable[Lease]) -> None:
        wanting = [one for one in leases if one.floor_at]
        if wanting:
            await self._floors(wanting)
