"""What a request may need of the limits that concern it, and how much of an answer they pay for."""

from __future__ import annotations

import msgspec

from shared.catalog.watch import SnapshotKeeper
from shared.errors import ModelUnpriced
from shared.ledger.record import UsageFinal
from shared.limits.book import Held, Subjects
from shared.limits.hold import Hold, Needs, Used
from shared.limits.limit import PICO_USD_PER_NANO_USD, nano_usd
from shared.limits.limits import Limits
from shared.limits.reached import BudgetExceeded
from shared.pricing.bound import MostTokens, affordable_answer, most_cost
from shared.pricing.price import Price
from shared.routing.choice import Candidate
from shared.routing.fit import MIN_ANSWER_TOKENS, RoutingRequest, most_tokens
from shared.routing.snapshot import PowerLevel, Snapshot
from shared.upstream.provider_url import ProviderUrls
from shared.wire.chat.bounded import worst_of
from shared.wire.chat.request import ChatRequest

_EXPECTED_ANSWER = 1024
"""Tokens of an answer that are counted beforehand towards tokens a minute where the caller sets no
limit; the rest is settled when it is known."""
_MOST_ANSWER = 4096
"""Of a model whose own maximum nobody knows."""


class Holds:
    """Opens a hold where a limit concerns a request, and reserves for each of its attempts."""

    def __init__(self, limits: Limits, keeper: SnapshotKeeper, urls: ProviderUrls) -> None:
        self._limits = limits
        self._keeper = keeper
        self._urls = urls
        self._seen: Snapshot | None = None
        self._counts_simulated = False

    @property
    def are_wanted(self) -> bool:
        """Whether there is any limit."""
        return bool(self._limits.book)

    def open(self, who: Subjects) -> Hold | None:
        """None where nothing can concern a request of `who`."""
        return self._limits.hold_for(who)

    async def take(
        self,
        hold: Hold,
        chat: ChatRequest,
        request: RoutingRequest,
        level: PowerLevel | None,
        candidate: Candidate,
    ) -> int | None:
        """Reserve what the attempt may cost; the tokens that its answer may have, None: any number.

        A caller who sets no limit for the answer gets as much of it as a budget pays for. Raises
        LimitReached, BudgetUnknown, and ModelUnpriced where a budget would have to pay for a model
        whose price nobody knows.
        """
        model = candidate.model
        served = self._limits.book.of_served(
            model.provider.slug, model.model_id, candidate.credential
        )
        said = _EXPECTED_ANSWER if chat.max_tokens is None else chat.max_tokens
        tokens = chat.prompt.tokens + said
        needs = Needs(tokens, None, candidate.key is not None)
        counts_money = self._counts(candidate) and hold.counts_money(served, needs)
        if not counts_money:
            await hold.take(served, needs)
            return None
        price = _price(candidate, "A budget holds for this request")
        most = most_tokens(model, msgspec.structs.replace(request, worst=worst_of(chat)))
        ceiling = _ceiling(chat, level, candidate)
        return await _pay(hold, served, needs, price, most, ceiling, chat)

    async def quote(
        self,
        hold: Hold | None,
        chat: ChatRequest,
        request: RoutingRequest,
        level: PowerLevel | None,
        candidate: Candidate,
    ) -> int:
        """The pico-USD that the request may cost at most at `candidate`, and of budgets, which
        `hold` is for, they are reserved; nothing else is. Raises as `take`.
        """
        model = candidate.model
        price = _price(candidate, "The request cannot be quoted")
        most, ceiling = most_tokens(model, request), _ceiling(chat, level, candidate)
        needs = Needs(None, None, candidate.key is not None)
        served = self._limits.book.of_served(
            model.provider.slug, model.model_id, candidate.credential
        )
        if hold is not None and self._counts(candidate) and hold.counts_money(served, needs):
            ceiling = await _pay(hold, served, needs, price, most, ceiling, chat)
        return most_cost(price, most, ceiling)

    def settle(self, hold: Hold, final: UsageFinal | None) -> int:
        """As `Hold.settle`; None: nothing was sent."""
        if final is None:
            return hold.settle(None)
        cost = final.cost_total_pico_usd
        if cost is None:
            cost = final.cost_estimated_pico_usd
        if final.is_simulated and not self._all_simulated():
            cost = None
        money = None if cost is None else nano_usd(cost)
        return hold.settle(Used(final.total_tokens or 0, money, final.used_byok))

    def _counts(self, candidate: Candidate) -> bool:
        """Simulated money counts where there is no other."""
        return not self._urls.simulates(candidate.model.provider) or self._all_simulated()

    def _all_simulated(self) -> bool:
        snapshot = self._keeper.snapshot
        if snapshot is not self._seen:
            self._seen = snapshot
            self._counts_simulated = all(
                self._urls.simulates(one) for one in snapshot.providers if one.is_active
            )
        return self._counts_simulated


def _ceiling(chat: ChatRequest, level: PowerLevel | None, candidate: Candidate) -> int:
    """The longest answer that the provider is allowed."""
    model = candidate.model
    most = chat.max_tokens
    if most is None:
        default = level.default_max_tokens if level else None
        most = default or model.max_tokens or _MOST_ANSWER
    return most if candidate.max_tokens is None else min(most, candidate.max_tokens)


def _price(candidate: Candidate, why: str) -> Price:
    if candidate.model.price is None:
        raise ModelUnpriced(
            f"{why}, and the price of '{candidate.model.model_id}' is unknown; choose another"
            " model.",
            param="model",
        )
    return candidate.model.price


async def _pay(
    hold: Hold,
    served: tuple[Held, ...],
    needs: Needs,
    price: Price,
    most: MostTokens,
    ceiling: int,
    chat: ChatRequest,
) -> int:
    """Reserve an answer of `ceiling` tokens, or one as long as a budget pays for; how many."""
    try:
        await hold.take(served, _with_money(needs, price, most, ceiling))
    except BudgetExceeded as refused:
        if chat.max_tokens is not None:
            raise
        left = affordable_answer(price, most, refused.left_nano_usd * PICO_USD_PER_NANO_USD)
        if left is None or left < MIN_ANSWER_TOKENS:
            raise
        ceiling = min(ceiling, left)
        await hold.take(served, _with_money(needs, price, most, ceiling))
    return ceiling


def _with_money(needs: Needs, price: Price, most: MostTokens, ceiling: int) -> Needs:
    return needs._replace(nano_usd=nano_usd(most_cost(price, most, ceiling)))
