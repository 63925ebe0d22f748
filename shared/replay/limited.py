"""How many requests of the past a limit would have refused. Pure.

Rates flow off as in shared/limits/script.py, evenly over a minute. Budgets begin at nothing with
the oldest request, so that what was spent before is left out; how many were open at once no row
says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from shared.limits.book import Book, Held, Subjects, counts
from shared.limits.limit import NANO_USD_PER_USD, Kind, Limit
from shared.replay.decide import Outcome
from shared.replay.past import Past

_MINUTE_S = 60.0


class _Meter:
    """What one subject used of one limit."""

    def __init__(self) -> None:
        self._level: dict[Kind, float] = defaultdict(float)
        self._at: dict[Kind, float] = {}
        self._period: dict[Kind, str] = {}

    def takes(self, limit: Limit, one: Past) -> bool:
        """Whether `one` is let through, and then counts. What is at its limit refuses."""
        local = one.created_at.astimezone(limit.zone)
        uses = [
            (kind, amount, _use(kind, one))
            for kind, amount in limit.amounts
            if kind is not Kind.CONCURRENT and counts(limit, kind, is_own_key=one.used_byok)
        ]
        for kind, amount, _ in uses:
            self._begin(kind, amount, local)
        # What a request costs is not known before it is served: a budget lets the last one through.
        fits = all(
            self._level[kind] < amount and (kind.is_money or self._level[kind] + use <= amount)
            for kind, amount, use in uses
        )
        if not fits and not limit.is_soft:
            return False
        for kind, _, use in uses:
            self._level[kind] += use
        return True

    def _begin(self, kind: Kind, amount: int, local: datetime) -> None:
        """Let flow off what has since, and begin a new day or month at nothing."""
        if kind.is_rate:
            at = local.timestamp()
            since = at - self._at.get(kind, at)
            self._level[kind] = max(0.0, self._level[kind] - since * amount / _MINUTE_S)
            self._at[kind] = at
        elif kind.is_money:
            period = local.strftime("%Y-%m-%d" if kind is Kind.DAY else "%Y-%m")
            if self._period.setdefault(kind, period) != period:
                self._level[kind], self._period[kind] = 0.0, period


def outcome_under(past: Sequence[Past], book: Book, limit_id: int) -> Outcome:
    """What the row `limit_id` of `book` would have refused; other rows decide whom it is for."""
    meters: dict[str, _Meter] = defaultdict(_Meter)
    refused, was, would_be = 0, Decimal(0), Decimal(0)
    for one in past:
        cost = one.cost_usd or Decimal(0)
        was += cost
        took = [
            meters[held.meter].takes(held.limit, one)
            for held in _held(book, one)
            if held.limit.id == limit_id
        ]
        if all(took):
            would_be += cost
        else:
            refused += 1
    return Outcome(len(past), len(past), (), refused, was, would_be)


def _held(book: Book, one: Past) -> Iterable[Held]:
    who = Subjects(
        *(one.token_id, one.user_id, one.team_id, one.tier or "", one.end_user, tuple(one.tags))
    )
    return (
        *book.of_caller(who),
        *book.of_served(one.provider, one.model, one.own_key_id if one.used_byok else 0),
    )


def _use(kind: Kind, one: Past) -> float:
    match kind:
        case Kind.REQUESTS:
            return 1
        case Kind.TOKENS:
            return one.prompt_tokens + one.completion_tokens
        case Kind.DAY | Kind.MONTH:
            return float((one.cost_usd or 0) * NANO_USD_PER_USD)
        case Kind.CONCURRENT:
            return 0
