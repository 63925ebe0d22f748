"""What a change would have done to requests of the past: who would have served them. Pure.

A request is decided where the choice, made again from what its row holds, is the one that served
it. Where it is not, something else spoke (a provider that was down, tools or images, which a row
does not hold, a key of the user's own), and nothing is said of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from shared.completion.router import meant
from shared.errors import SwitchyardError
from shared.pricing.cost import cost_of
from shared.pricing.price import PICO_USD_PER_USD
from shared.replay.past import Past
from shared.routing.choose import choose
from shared.routing.deployment import Model, Tier
from shared.routing.fit import RoutingRequest
from shared.routing.levels import AUTO
from shared.routing.order import draw
from shared.routing.snapshot import Snapshot
from shared.wire.usage import Usage


class Ways(NamedTuple):
    """What besides the catalog says who may serve: see RoutingRequest."""

    platform_funded: frozenset[str]
    refuses_unpriced: bool


class Moved(msgspec.Struct, frozen=True):
    """So many requests went `before`, as `provider/model`, and would go `after`."""

    before: str
    after: str
    count: int


class Outcome(NamedTuple):
    """Of `seen` requests `decided` could be; costs are of those, at list prices.

    `refused` would be answered with an error; they cost nothing then.
    """

    seen: int
    decided: int
    moved: Sequence[Moved]
    refused: int
    was_usd: Decimal
    would_be_usd: Decimal


def outcome_of(past: Sequence[Past], before: Snapshot, after: Snapshot, ways: Ways) -> Outcome:
    """What a change from `before` to `after` would have done."""
    moved: Counter[tuple[str, str]] = Counter()
    decided, refused, was, would_be = 0, 0, 0, 0
    for one in past:
        now = first_choice(before, one, ways)
        if now is None or (now.provider.slug, now.model_id) != (one.provider, one.model):
            continue
        decided += 1
        was += _cost(now, one)
        then = first_choice(after, one, ways)
        if then is None:
            refused += 1
            continue
        would_be += _cost(then, one)
        if (then.provider.slug, then.model_id) != (one.provider, one.model):
            moved[_named(now), _named(then)] += 1
    return Outcome(len(past), decided, _most_first(moved), refused, _usd(was), _usd(would_be))


def first_choice(snapshot: Snapshot, one: Past, ways: Ways) -> Model | None:
    """Who would serve a request when all are well; None: nobody, or its row does not say enough."""
    if one.tier is None or one.used_byok or not one.is_chat:
        return None
    asked = one.model_requested
    is_level = asked is None or asked == AUTO
    request = RoutingRequest(
        models=() if asked is None or is_level else (asked,),
        level=one.power_level if is_level else None,
        tier=Tier(one.tier),
        platform_funded=ways.platform_funded,
        allowed_models=None if one.allowed_models is None else frozenset(one.allowed_models),
        task_type=one.task_type,
        prompt_tokens=one.prompt_tokens,
        refuses_unpriced=ways.refuses_unpriced,
    )
    try:
        request, _ = meant(snapshot, request, one.session)
        return draw(choose(snapshot, request), one.session).candidates[0].model
    except SwitchyardError:
        # Refused, as it would be today.
        return None


def _cost(model: Model, one: Past) -> int:
    """Pico-USD; nothing where there is no price."""
    if model.price is None:
        return 0
    usage = Usage(
        one.prompt_tokens, one.completion_tokens, one.cached_tokens, one.cache_write_tokens
    )
    return cost_of(model.price, usage).total


def _most_first(moved: Counter[tuple[str, str]]) -> list[Moved]:
    return [Moved(before, after, count) for (before, after), count in moved.most_common()]


def _named(model: Model) -> str:
    return f"{model.provider.slug}/{model.model_id}"


def _usd(amount: int) -> Decimal:
    return Decimal(amount) / PICO_USD_PER_USD
