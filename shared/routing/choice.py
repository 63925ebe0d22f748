"""What a choice is made of: deployments to try in their order, and why each other one is not; and
what a request would cost at one.

Expected cost: the estimated prompt and an answer of a third of it, as the levels' ceilings weigh
it, and of 64 tokens at least, nothing cached. Worst: the bound of the prompt, at the dearest rates
that may hold, and answers as long as the request, the level or the model lets them be.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.pricing.bound import most_cost
from shared.pricing.cost import rates_for
from shared.routing.fit import DropReason, RoutingRequest, most_tokens
from shared.routing.open_catalog import UNLISTED
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Model, PowerLevel, Rule

_LEAST_ANSWER_TOKENS = 64


class Reason(StrEnum):
    """Why a model is a candidate, and as early as it is."""

    NAMED = "named"
    RULE = "rule"
    FALLBACK_RULE = "fallback_rule"
    SAME_LEVEL = "same_level"
    DEFAULT = "default"
    OTHER_LEVEL = "other_level"


class Source(StrEnum):
    """Where a candidate is known from: a row of llm_models; the price catalog, by the name that was
    asked for; or the default of its provider for a level.
    """

    LISTED = "listed"
    CATALOG = "catalog"
    DEFAULT = "default"


class Candidate(msgspec.Struct, frozen=True):
    """`key` is the caller's own key that pays for it; None: the platform's.

    `rule` is the rule that named it. `max_tokens` is all that `max_cost_usd` leaves for the
    answer, where that is less than the request would take.
    """

    model: Model
    reason: Reason
    key: OwnKey | None = None
    rule: Rule | None = None
    max_tokens: int | None = None

    @property
    def source(self) -> Source:
        if self.model.id != UNLISTED:
            return Source.LISTED
        return Source.DEFAULT if self.reason is Reason.DEFAULT else Source.CATALOG

    @property
    def credential(self) -> int:
        """The id of the caller's key; 0 is the platform's at this provider."""
        return 0 if self.key is None else self.key.id


class Dropped(msgspec.Struct, frozen=True):
    """`paid_by_platform`: dropped as that alone; with the caller's key it may be a candidate."""

    model: Model
    reason: DropReason
    paid_by_platform: bool = False


class Choice(msgspec.Struct, frozen=True):
    """Candidates in the order to try when all are well; `level` is None where models were named.

    `ties` are the spans of candidates that rules put on a par, whose weights decide by session.
    `has_down`: the provider of some is down. `order` makes of it what this moment's request tries;
    in that `ignores_health` says that no candidate is well, and they are tried all the same.
    """

    level: PowerLevel | None
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]
    ties: tuple[tuple[int, int], ...] = ()
    has_down: bool = False
    ignores_health: bool = False


def expected_cost(candidate: Candidate, choice: Choice, request: RoutingRequest) -> int | None:
    """Pico-USD; None where there is no price."""
    price = candidate.model.price
    if price is None:
        return None
    most = _longest_answer(candidate, choice, request)
    said = max(_LEAST_ANSWER_TOKENS, request.prompt_tokens // 3)
    if most is not None:
        said = min(said, most)
    answers = request.worst.answers if request.worst else 1
    rates = rates_for(price, request.prompt_tokens)
    return request.prompt_tokens * rates.input + said * answers * rates.output


def worst_cost(candidate: Candidate, choice: Choice, request: RoutingRequest) -> int | None:
    """Pico-USD; None where there is no price or no bound."""
    most = _longest_answer(candidate, choice, request)
    if candidate.model.price is None or most is None:
        return None
    return most_cost(candidate.model.price, most_tokens(candidate.model, request), most)


def _longest_answer(candidate: Candidate, choice: Choice, request: RoutingRequest) -> int | None:
    model = candidate.model
    default = choice.level.default_max_tokens if choice.level else None
    bounds = [request.max_tokens or default, model.max_tokens, candidate.max_tokens]
    if model.context_window is not None:
        bounds.append(max(0, model.context_window - request.prompt_tokens))
    return min((bound for bound in bounds if bound is not None), default=None)
