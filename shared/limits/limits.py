"""Limits as a process holds them: which rows there are, and what may be reserved of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

from shared.limits.book import Book, Held, Subjects
from shared.limits.exchange import Exchange, Outcome
from shared.limits.hold import Hold
from shared.limits.lease import Lease
from shared.limits.limit import Kind, Limit
from shared.limits.periods import meter_of
from shared.limits.reached import BudgetUnknown, LimitReached
from shared.limits.refusal import refusal, wait_s

_BACK_S = 1.0
_ON_ITS_WAY_S = 0.1


class Limits:
    """One a process; belongs to the event loop it is used on."""

    def __init__(self, exchange: Exchange) -> None:
        self.book = Book()
        self._exchange = exchange

    def set_rows(self, limits: Iterable[Limit]) -> None:
        """What holds from now on; what is reserved stays so."""
        self.book = Book(limits)

    def hold_for(self, who: Subjects) -> Hold | None:
        """None where no row can concern what `who` asks for."""
        caller = self.book.of_caller(who)
        if not caller and not self.book.limits_what_serves:
            return None
        return Hold(self, caller)

    def lease(self, held: Held, kind: Kind, amount: int) -> Lease:
        """The lease of this meter at this moment."""
        now = time.monotonic()
        key, period = meter_of(held, kind, time.time())
        lease = self._exchange.leases.get(key)
        if lease is None:
            lease = Lease(key, held, kind, amount, period, now)
            self._exchange.leases[key] = lease
        elif lease.limit is not held.limit:
            lease.adopt(held.limit, amount)
        lease.touched_at = now
        return lease

    async def reserve(
        self, needs: Mapping[Lease, int], *, is_own_key: bool, quote: str = ""
    ) -> None:
        """All of it, or nothing: from what is leased here, else from what is left of all. With
        what `quote` holds, where there is one.

        Raises LimitReached that names the tightest, and BudgetUnknown.
        """
        now = time.monotonic()
        if not quote and all(lease.usable(now) >= need for lease, need in needs.items()):
            for lease, need in needs.items():
                lease.reserve(need)
            return
        refused = {lease: need for lease, need in needs.items() if lease.is_refused(need, now)}
        if refused and not quote:
            raise _tightest(refused, needs)
        over = await self._ask(needs, is_own_key=is_own_key, quote=quote)
        if any(not lease.kind.is_rate for lease in over):
            # What a request that has just ended gives back is on its way.
            await asyncio.sleep(_ON_ITS_WAY_S)
            over = await self._ask(needs, is_own_key=is_own_key)
        if over:
            raise _tightest(over, needs)

    async def hand_over(self, parts: Mapping[Lease, int], quote: str) -> bool:
        """As `Exchange.hand_over`."""
        return await self._exchange.hand_over(parts, quote)

    def settle(self, lease: Lease, reserved: int, actual: int) -> None:
        lease.settle(reserved, actual, time.monotonic())
        if lease.surplus():
            self._exchange.note_surplus(lease)

    async def _ask(
        self, needs: Mapping[Lease, int], *, is_own_key: bool, quote: str = ""
    ) -> Mapping[Lease, int]:
        """Reserve `needs`; those that do not fit, if any: then nothing is reserved."""
        now = time.monotonic()
        held = {lease: lease.earmark(need, now) for lease, need in needs.items()}
        rest = {lease: need - held[lease] for lease, need in needs.items()}
        asking = asyncio.ensure_future(self._exchange.ask(rest, quote))
        try:
            outcome = await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: _undo(done, needs, held))
            raise
        over: Mapping[Lease, int] = {}
        try:
            if outcome is Outcome.REFUSED:
                over = {one: need for one, need in needs.items() if _is_over(one, need)} or needs
            elif outcome is not Outcome.GRANTED:
                over = _share(needs, rest, is_own_key=is_own_key)
        except BudgetUnknown:
            _give_back(held)
            raise
        if over:
            _give_back(held)
        return over


def _undo(
    asked: asyncio.Future[Outcome], needs: Mapping[Lease, int], held: Mapping[Lease, int]
) -> None:
    """Nobody waits for what was asked for any more."""
    is_granted = not asked.cancelled() and asked.exception() is None
    is_granted = is_granted and asked.result() is Outcome.GRANTED
    _give_back(needs if is_granted else held)


def _give_back(parts: Mapping[Lease, int]) -> None:
    for lease, part in parts.items():
        lease.give_back(part)


def _is_over(lease: Lease, need: int) -> bool:
    return lease.refused_until > time.monotonic() or need > lease.amount


def _share(
    needs: Mapping[Lease, int], rest: Mapping[Lease, int], *, is_own_key: bool
) -> Mapping[Lease, int]:
    """Reserve what a process may give by itself while nobody can be asked; else what is over."""
    now = time.monotonic()
    refused: dict[Lease, int] = {}
    for lease, need in rest.items():
        if need == 0 or lease.limit.is_soft:
            continue
        if lease.kind.is_money:
            if not is_own_key:
                raise BudgetUnknown(
                    "What is left of the budget cannot be known right now; try again in a moment.",
                    param=lease.limit.scope,
                    retry_after_s=_BACK_S,
                )
        elif not lease.has_share(need, now):
            refused[lease] = needs[lease]
    if not refused:
        for lease, need in rest.items():
            lease.reserve(need)
    return refused


def _tightest(refused: Mapping[Lease, int], needs: Mapping[Lease, int]) -> LimitReached:
    """The refusal by which the caller has to wait longest."""
    now, wall = time.monotonic(), time.time()
    lease = max(refused, key=lambda one: wait_s(one, refused[one], now=now, wall=wall))
    reached = refusal(lease, refused[lease], now=now, wall=wall)
    reached.rates = [one for one in needs if one.kind.is_rate]
    return reached
