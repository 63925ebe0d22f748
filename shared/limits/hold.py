"""What one request has reserved, from its first attempt to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from shared.limits.book import Held, counts
from shared.limits.lease import Lease
from shared.limits.limit import Kind


class Needs(NamedTuple):
    """What an attempt may use at most; `nano_usd` None: money is not counted for it.

    `tokens` None: nothing but money is. `is_own_key`: a caller's own key pays.
    """

    tokens: int | None
    nano_usd: int | None
    is_own_key: bool


class Used(NamedTuple):
    """What a request used in the end; `nano_usd` None: it is not known, or not counted."""

    tokens: int
    nano_usd: int | None
    is_own_key: bool


class Reserves(Protocol):
    """What a hold asks for leases (shared/limits/limits.py)."""

    def lease(self, held: Held, kind: Kind, amount: int) -> Lease: ...
    async def reserve(
        self, needs: Mapping[Lease, int], *, is_own_key: bool, quote: str = ""
    ) -> None: ...
    async def hand_over(self, parts: Mapping[Lease, int], quote: str) -> bool: ...
    def settle(self, lease: Lease, reserved: int, actual: int) -> None: ...


class Hold:
    """`caller` are the limits for who asks; those for what serves it come with each attempt.

    `rates` are the requests and tokens a minute that the last attempt met. `quote`: what pays
    for it, held since before.
    """

    __slots__ = ("_limits", "_parts", "_served", "caller", "quote", "rates")

    def __init__(self, limits: Reserves, caller: tuple[Held, ...]) -> None:
        self.caller = caller
        self._limits = limits
        self._parts: dict[Lease, int] = {}
        self._served: set[Lease] = set()
        self.rates: list[Lease] = []
        self.quote = ""

    def counts_money(self, served: tuple[Held, ...], needs: Needs) -> bool:
        """Whether a budget has to pay for it."""
        return any(
            kind.is_money and counts(held.limit, kind, is_own_key=needs.is_own_key)
            for held in (*self.caller, *served)
            for kind, _ in held.limit.amounts
        )

    async def take(self, served: tuple[Held, ...], needs: Needs) -> None:
        """Reserve what an attempt may need beyond what is reserved: all of it, or nothing.

        Raises LimitReached, and BudgetUnknown where nobody can say what is left of a budget.
        """
        wanted: dict[Lease, int] = {}
        for held in (*self.caller, *served):
            for kind, amount in held.limit.amounts:
                if counts(held.limit, kind, is_own_key=needs.is_own_key):
                    need = _need(kind, needs)
                    if need is not None:
                        wanted[self._limits.lease(held, kind, amount)] = need
        more = {
            lease: need - self._parts.get(lease, 0)
            for lease, need in wanted.items()
            if need > self._parts.get(lease, 0) or lease not in self._parts
        }
        quote, self.quote = self.quote, ""
        await self._limits.reserve(more, is_own_key=needs.is_own_key, quote=quote)
        for lease, need in more.items():
            self._parts[lease] = self._parts.get(lease, 0) + need
        self._served = set(wanted)
        self.rates = [lease for lease in wanted if lease.kind.is_rate]

    async def hand_over(self, quote: str) -> bool:
        """All that is reserved, to a quote; False: nobody can say that it holds it."""
        parts = dict(self._parts)
        self._parts.clear()
        return not parts or await self._limits.hand_over(parts, quote)

    def settle(self, used: Used | None) -> int:
        """Book what was used, None where nothing was sent; the nano-USD by which it is more than
        a budget had reserved.

        What had been reserved for an attempt that failed is given back, but for its request.
        """
        overrun = 0
        for lease, reserved in self._parts.items():
            actual = 0 if used is None else _actual(lease, used, is_last=lease in self._served)
            if lease.kind.is_money and not lease.limit.is_soft:
                overrun = max(overrun, actual - reserved)
            self._limits.settle(lease, reserved, actual)
        self._parts.clear()
        return overrun


def _need(kind: Kind, needs: Needs) -> int | None:
    if kind.is_money:
        return needs.nano_usd
    if needs.tokens is None:
        return None
    return needs.tokens if kind is Kind.TOKENS else 1


def _actual(lease: Lease, used: Used, *, is_last: bool) -> int:
    if lease.kind is Kind.CONCURRENT:
        return 0
    if lease.kind is Kind.REQUESTS:
        return 1
    if not is_last:
        return 0
    if lease.kind is Kind.TOKENS:
        return used.tokens
    return used.nano_usd or 0 if counts(lease.limit, lease.kind, is_own_key=used.is_own_key) else 0
