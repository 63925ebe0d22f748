"""A firm quote for a request: the most that it may cost, reserved of its caller's budgets."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from typing import NamedTuple

import msgspec

from shared.catalog.watch import SnapshotKeeper
from shared.completion.admit import Asked
from shared.completion.router import Plan, Router
from shared.errors import ServiceUnavailable
from shared.limits.holds import Holds
from shared.limits.open import Limits
from shared.limits.quotes import Quote, Quotes, digest_of
from shared.resources import opener
from shared.upstream.platform_access import PlatformAccess
from shared.wire.chat.bounded import check_bounded, worst_of


class Quoted(NamedTuple):
    """A quote, and the candidates that it was made from."""

    quote: Quote
    plan: Plan


class Quoter:
    """One a process."""

    def __init__(self, router: Router, holds: Holds, quotes: Quotes) -> None:
        self._router = router
        self._holds = holds
        self._quotes = quotes

    async def quote(self, asked: Asked, body: bytes) -> Quoted:
        """By the first candidate at this moment: another that is tried may cost no more.

        Raises what a completion would be refused with, InvalidField for what has no bound, and
        ServiceUnavailable where nobody can keep it.
        """
        check_bounded(asked.chat)
        plan = await self._router.choose(asked)
        request = msgspec.structs.replace(plan.request, worst=worst_of(asked.chat))
        plan = plan._replace(request=request)
        hold = self._holds.open(asked.who) if self._holds.are_wanted else None
        candidate, quote_id = plan.choice.candidates[0], secrets.token_hex(16)
        try:
            most = await self._holds.quote(
                *(hold, asked.chat, request, plan.choice.level, candidate)
            )
            is_held = hold is None or await hold.hand_over(quote_id)
        finally:
            if hold is not None:
                hold.settle(None)
        if not is_held:
            raise ServiceUnavailable("The quote cannot be kept right now; try again in a moment.")
        quote = Quote(quote_id, asked.caller.user_id, digest_of(body), asked.wire.endpoint, most)
        await self._quotes.keep(quote)
        return Quoted(quote, plan)


@opener
async def open_quoter(
    router: Router, limits: Limits, keeper: SnapshotKeeper, access: PlatformAccess, quotes: Quotes
) -> AsyncGenerator[Quoter]:
    yield Quoter(router, Holds(limits, keeper, access.urls), quotes)
