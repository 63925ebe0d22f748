"""What one process holds of one meter, and how it is spent in memory. Pure: times are given."""

from __future__ import annotations

import math

from shared.limits.book import Held
from shared.limits.grant import MeterAnswer, MeterCall
from shared.limits.limit import Kind, Limit
from shared.limits.periods import Period
from shared.limits.script import GRACE_MS, LEASE_MS

_VALID_S = LEASE_MS / 1000 - 0.5
"""From before it was asked for: what may be on its way meanwhile is not spent by two."""
_MINUTE_MS = 60_000
_UNLIMITED = 2**52
_SHARE = 20
"""Of a limit, at most one part in so many is held without being needed, by all holders together."""
_REFUSED_S = 0.25
"""For how long a refusal is taken to hold on: a caller who knows no pause costs no calls."""
_KEPT_MS = 86_400_000
_IDLE_S = 5.0
_FLOOR_HOLDS_S = 10.0


class Lease:
    """Amounts are the units of the meter; times are time.monotonic() seconds.

    `free` and `reserved` are leased; `used` is what was used in total, `acked` of it is known to
    Redis; `level` is what all had used when last answered; `floor` what PostgreSQL says was used
    until `floor_before`, -1 where it was not asked. `own` is what this process used of a rate, and
    has not flowed off.
    """

    __slots__ = (
        *(
            "acked",
            "amount",
            "answered_at",
            "floor",
            "floor_at",
            "floor_before",
            "free",
            "has_left",
        ),
        *("holders", "key", "kind"),
        *("leak", "leased", "level", "limit", "own", "own_at", "pace", "paced_at", "paced_taken"),
        *("period", "refused_need", "refused_until", "reserved", "subject", "taken"),
        *("touched_at", "used", "valid_until"),
    )

    def __init__(
        self,
        key: str,
        held: Held,
        kind: Kind,
        amount: int,
        period: Period | None,
        now: float,
    ) -> None:
        self.key, self.limit, self.subject, self.kind = key, held.limit, held.subject, kind
        self.amount, self.period = amount, period
        self.leak = amount / _MINUTE_MS if kind.is_rate else 0.0
        self.free = self.reserved = self.used = self.acked = self.taken = 0
        self.level = self.leased = self.own = self.pace = 0.0
        self.holders, self.floor, self.floor_at, self.floor_before = 1, -1, 0.0, now
        self.answered_at = self.own_at = self.paced_at = self.touched_at = now
        self.has_left = False
        self.paced_taken = 0
        self.valid_until = self.refused_until = 0.0
        self.refused_need = 0

    def adopt(self, limit: Limit, amount: int) -> None:
        """The row was changed, or another holds now."""
        self.limit, self.amount = limit, amount
        self.leak = amount / _MINUTE_MS if self.kind.is_rate else 0.0
        self.refused_until = 0.0

    def usable(self, now: float) -> int:
        """What can be reserved without asking."""
        return self.free if now < self.valid_until else 0

    def reserve(self, amount: int) -> None:
        """Of what is `usable`, or may be had by the share of a process."""
        self.free = max(0, self.free - amount)
        self.reserved += amount
        self.taken += amount

    def earmark(self, amount: int, now: float) -> int:
        """Reserve what can be of `amount`; how much that was."""
        part = min(amount, self.usable(now))
        self.reserve(part)
        return part

    def give_back(self, amount: int) -> None:
        """What was reserved is not needed."""
        self.reserved -= amount
        self.free += amount
        self.refused_until = 0.0

    def hand_over(self, amount: int) -> None:
        """What was reserved is another's from now on."""
        self.reserved -= amount

    def settle(self, reserved: int, actual: int, now: float) -> None:
        """`actual` of what was reserved was used; what is above it nobody has reserved."""
        self.reserved -= reserved
        self.free = max(0, self.free + reserved - actual)
        self.used += actual
        if self.kind.is_rate:
            self.own = self.own_level(now) + actual
            self.own_at = now
        if actual < reserved:
            self.refused_until = 0.0

    def own_level(self, now: float) -> float:
        return max(0.0, self.own - (now - self.own_at) * 1000 * self.leak)

    def has_share(self, amount: int, now: float) -> bool:
        """Whether a process may give `amount` of a rate by itself, while nobody can be asked."""
        share = max(min(1, self.amount), self.amount // self.holders)
        return self.own_level(now) + self.reserved + amount <= share

    def is_refused(self, amount: int, now: float) -> bool:
        """Whether so much was refused a moment ago."""
        return now < self.refused_until and amount >= self.refused_need

    def left(self, now: float) -> int:
        """What all together could still be given, as last answered; at least 0."""
        flowed = (now - self.answered_at) * 1000 * self.leak
        unused = self.amount - max(0.0, self.level - flowed) - self.leased
        return max(0, math.floor(unused)) + self.usable(now)

    def surplus(self) -> int:
        """What is held beside what is needed, above what may be."""
        return max(0, self.free - self.most_free())

    def most_free(self) -> int:
        """What is worth keeping: a second's use, and never more than a share of the limit."""
        return min(int(self.pace), self.amount // _SHARE // self.holders)

    def is_idle(self, now: float) -> bool:
        """Whether it can be forgotten: Redis knows all of it, and holds nothing for it."""
        is_known = self.has_left and self.used == self.acked
        return is_known and self.reserved == 0 and now > self.touched_at + _IDLE_S

    def call(self, need: int, now: float, quoted: int = 0) -> MeterCall:
        """What is asked for, with all that is to be told; what need not be kept is given back."""
        self._note_pace(now)
        if now >= self.valid_until:
            self.free = 0
        self.free = min(self.free, self.most_free())
        is_over = self.reserved == 0 and self.free == 0 and need == 0
        if now > self.answered_at + _FLOOR_HOLDS_S:
            self.floor = -1
        ttl = 2 * _MINUTE_MS if self.period is None else _KEPT_MS * (32 if _is_month(self) else 2)
        return MeterCall(
            limit=_UNLIMITED if self.limit.is_soft else self.amount,
            amount=self.amount,
            leak=self.leak,
            used=self.used,
            acked=self.acked,
            keep=self.free + self.reserved,
            need=need,
            want=max(0, self.most_free() - self.free) if need else 0,
            seen=max(0.0, self.level - (now - self.answered_at) * 1000 * self.leak),
            floor=self.floor,
            floor_at=self.floor_at,
            ttl=ttl,
            grace=GRACE_MS if self.kind.is_money else 0,
            leaves=is_over and self.used == self.acked,
            quoted=quoted,
        )

    def answered(
        self, call: MeterCall, answer: MeterAnswer, holders: int, *, asked_at: float, now: float
    ) -> None:
        """What was granted is free from now on."""
        self.acked, self.has_left = call.used, call.leaves
        self.free += int(answer.granted)
        self.level, self.leased, self.answered_at = answer.level, answer.leased, now
        self.holders = holders
        self.valid_until = asked_at + _VALID_S
        self.floor, self.floor_at = -1, answer.wants_floor
        self.floor_before = asked_at - answer.unheard_ms / 1000

    def refuse(self, need: int, now: float, wait_ms: float) -> None:
        self.refused_need = need
        longest = _REFUSED_S if self.kind.is_rate else _REFUSED_S / 5
        self.refused_until = now + min(longest, wait_ms / 1000 if wait_ms > 0 else longest)

    def _note_pace(self, now: float) -> None:
        """Units taken a second, of late."""
        passed = now - self.paced_at
        if passed >= 1.0:
            latest = (self.taken - self.paced_taken) / passed
            self.pace = max(latest, self.pace / 2)
            self.paced_at, self.paced_taken = now, self.taken


def _is_month(lease: Lease) -> bool:
    return lease.kind is Kind.MONTH
