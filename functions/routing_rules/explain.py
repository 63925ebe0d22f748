"""A choice as it is explained to who pays: candidates with their costs, the others with why."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.completion.router import Plan
from shared.errors import ProviderRateLimited, ProviderUnavailable
from shared.health.circuits import CircuitState
from shared.routing.choice import Candidate, Dropped, expected_cost, worst_cost
from shared.routing.consent import platform_may_follow
from shared.routing.order import Block, BlockKey, blocked, first_shares
from shared.routing.own_keys import OwnKey
from shared.wire.metadata import raw_usd


class CandidateCard(msgspec.Struct, frozen=True):
    """`source`: listed, catalog, or default, where the provider's default for the level stands in.
    `follows_own_key`: whether it is reached once the own keys before it failed: always, never,
    or on_rate_limit; null where there are none. `passed_over`: the error that is expected of it
    now, which is why it comes last. `share`: of all sessions, how many have it first now, 0 to 1.
    Costs are USD; null where there is no price or no bound.
    """

    rank: int
    provider: str
    model: str
    reason: str
    source: str
    rule_id: int | None
    weight: int | None
    key_source: str
    key_policy: str | None
    key_is_refused: bool
    follows_own_key: str | None
    provider_health: str
    circuit: str
    passed_over: str | None
    share: float
    max_tokens: int | None
    expected_cost_usd: msgspec.Raw
    worst_cost_usd: msgspec.Raw


class DroppedCard(msgspec.Struct, frozen=True):
    """`key_source` is `platform` where the caller's own key may still use the model."""

    provider: str
    model: str
    reason: str
    key_source: str | None


class Explanation(msgspec.Struct, frozen=True):
    """`session` decides among equals: where the request has none, it is the id of this one, and a
    completion that sends it as X-Session-Id goes where this one would.
    `ignores_health`: no candidate is well, all are tried. `alias` is the one that the model's name
    was found to be.
    """

    power_level: str | None
    tier: str
    prompt_tokens: int
    session: str
    ignores_health: bool
    alias: str | None
    candidates: list[CandidateCard]
    dropped: list[DroppedCard]


class Moment(msgspec.Struct, frozen=True):
    """What is known of circuits and limits now, in the clock of `now_s`."""

    blocks: Mapping[BlockKey, Block]
    circuits: Mapping[tuple[str, str], CircuitState]
    now_s: float


def explained(plan: Plan, session: str, moment: Moment) -> Explanation:
    request, choice = plan.request, plan.choice
    shares = first_shares(
        plan.drawn,
        choice,
        moment.blocks,
        prompt_tokens=request.prompt_tokens,
        now_s=moment.now_s,
    )
    own: list[OwnKey] = []
    cards: list[CandidateCard] = []
    for rank, candidate in enumerate(choice.candidates, start=1):
        follows = None if candidate.key is not None else _consent(own)
        share = shares[rank - 1] if rank <= len(shares) else 0.0
        cards.append(_card(rank, candidate, plan, moment, follows, share))
        if candidate.key is not None:
            own.append(candidate.key)
    return Explanation(
        power_level=choice.level.name if choice.level else None,
        tier=request.tier.value,
        prompt_tokens=request.prompt_tokens,
        session=session,
        ignores_health=choice.ignores_health,
        alias=plan.alias,
        candidates=cards,
        dropped=[_dropped(one) for one in choice.dropped],
    )


def _card(
    rank: int,
    candidate: Candidate,
    plan: Plan,
    moment: Moment,
    follows: str | None,
    share: float,
) -> CandidateCard:
    model, key, rule, request = candidate.model, candidate.key, candidate.rule, plan.request
    error = blocked(candidate, moment.blocks, request.prompt_tokens, moment.now_s)
    circuit = moment.circuits.get((model.provider.slug, model.model_id))
    return CandidateCard(
        rank=rank,
        provider=model.provider.slug,
        model=model.model_id,
        reason=candidate.reason.value,
        source=candidate.source.value,
        rule_id=rule.id if rule else None,
        weight=rule.weight if rule else None,
        key_source="platform" if key is None else "byok",
        key_policy=key.policy.value if key else None,
        key_is_refused=key is not None and key.is_refused,
        follows_own_key=follows,
        provider_health=model.provider.health.value,
        circuit=circuit.state.value if circuit else "closed",
        passed_over=error.code if error else None,
        share=share,
        max_tokens=candidate.max_tokens,
        expected_cost_usd=raw_usd(expected_cost(candidate, plan.choice, request)),
        worst_cost_usd=raw_usd(worst_cost(candidate, plan.choice, request)),
    )


def _consent(own: list[OwnKey]) -> str | None:
    """What the own keys before it allow, taken together."""
    if not own:
        return None
    if all(platform_may_follow(key, ProviderUnavailable) for key in own):
        return "always"
    on_rate_limit = all(platform_may_follow(key, ProviderRateLimited) for key in own)
    return "on_rate_limit" if on_rate_limit else "never"


def _dropped(one: Dropped) -> DroppedCard:
    return DroppedCard(
        provider=one.model.provider.slug,
        model=one.model.model_id,
        reason=one.reason.value,
        key_source="platform" if one.paid_by_platform else None,
    )
