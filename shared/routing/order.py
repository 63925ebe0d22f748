"""A remembered choice in the order of this moment: what is not well is passed over. Pure.

A choice holds for all equal requests; circuits and headroom change by the second, and
weights are drawn by the session. So they are applied to a choice, not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.errors import ProviderUnavailable, UpstreamError
from shared.routing.choice import Candidate, Choice, Dropped
from shared.routing.consent import Failure, may_follow
from shared.routing.fit import DropReason
from shared.routing.rendezvous import distance, number_of
from shared.routing.snapshot import Health

BlockKey = tuple[str, str | None, int | None]
"""Provider slug; model id, None for all; credential (Candidate.credential), None for all."""


_MAY_BE_TRIED = 4


class Block(msgspec.Struct, frozen=True):
    """Why candidates are to be passed over, and until when (in the clock that `order` is told).

    `over_tokens`: only prompts of more tokens than these are kept away.
    """

    error: type[UpstreamError]
    until_s: float
    over_tokens: int = -1


class Passed(msgspec.Struct, frozen=True):
    """`is_panic`: no candidate is well, so all of them are tried as if they were."""

    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]
    is_panic: bool


def draw(choice: Choice, session: str) -> Choice:
    """`choice` with its equals in the order drawn for `session`, for as many as may be tried.

    The first candidate is then the one that is meant to serve; another is a fallback.
    """
    if not choice.ties:
        return choice
    candidates, seed = list(choice.candidates), number_of(session)
    for start, stop in choice.ties:
        if start >= _MAY_BE_TRIED:
            break
        candidates[start:stop] = _drawn(candidates[start:stop], seed)
    return msgspec.structs.replace(choice, candidates=tuple(candidates))


def order(
    choice: Choice, blocks: Mapping[BlockKey, Block], *, prompt_tokens: int, now_s: float
) -> Choice:
    """`choice` as a request of this moment is to try it: what is not well comes last."""
    if not blocks and not choice.has_down:
        return choice
    errors = [blocked(one, blocks, prompt_tokens, now_s) for one in choice.candidates]
    if not any(errors):
        return choice
    passed = pass_over(choice.candidates, errors)
    return msgspec.structs.replace(
        choice,
        candidates=passed.candidates,
        dropped=(*choice.dropped, *passed.dropped),
        ignores_health=passed.is_panic,
    )


def first_shares(
    drawn: Choice,
    ordered: Choice,
    blocks: Mapping[BlockKey, Block],
    *,
    prompt_tokens: int,
    now_s: float,
) -> list[float]:
    """The share of sessions that have each candidate of `ordered` first, from the front.

    `drawn` is what `ordered` was made of. Who is behind the end of the list is nobody's first.
    """
    first = ordered.candidates[0]
    spans = [drawn.candidates[start:stop] for start, stop in drawn.ties if start < _MAY_BE_TRIED]
    equals = next((span for span in spans if any(one is first for one in span)), (first,))
    is_well = blocked(first, blocks, prompt_tokens, now_s) is None
    sharers = [
        one
        for one in ordered.candidates[: len(equals)]
        if any(one is equal for equal in equals)
        and (blocked(one, blocks, prompt_tokens, now_s) is None) is is_well
    ]
    weights = [one.rule.weight if one.rule else 0 for one in sharers]
    total = sum(weights)
    return [weight / total for weight in weights] if total else [1.0]


def blocked(
    candidate: Candidate, blocks: Mapping[BlockKey, Block], prompt_tokens: int, now_s: float
) -> type[UpstreamError] | None:
    """How an attempt at `candidate` would fail by what is known now; None: nothing is known."""
    provider, model = candidate.model.provider, candidate.model.model_id
    if provider.health is Health.DOWN:
        return ProviderUnavailable
    if not blocks:
        return None
    slug, credential = provider.slug, candidate.credential
    for key in ((slug, model, None), (slug, model, credential), (slug, None, credential)):
        block = blocks.get(key)
        if block is not None and now_s < block.until_s and prompt_tokens > block.over_tokens:
            return block.error
    return None


def pass_over(
    candidates: Sequence[Candidate], errors: Sequence[type[UpstreamError] | None]
) -> Passed:
    """Those without an error in their order, then the others in theirs.

    Nobody is lost but what the platform would pay for behind a key whose owner does not allow
    that: to pass a key over is to use another instead.
    """
    well: list[Candidate] = []
    unwell: list[Candidate] = []
    dropped: list[Dropped] = []
    failures: list[Failure] = []
    for candidate, error in zip(candidates, errors, strict=True):
        if not may_follow(candidate.key, failures):
            dropped.append(Dropped(candidate.model, DropReason.NO_CONSENT, paid_by_platform=True))
        elif error is None:
            well.append(candidate)
        else:
            unwell.append(candidate)
            failures.append((candidate.key, error))
    return Passed((*well, *unwell), tuple(dropped), not well)


def _drawn(candidates: Sequence[Candidate], seed: int) -> list[Candidate]:
    """Equals in the order drawn: first with a chance of its weight among all."""
    return sorted(
        candidates,
        key=lambda one: distance(seed, one.model.id, one.rule.weight if one.rule else 0),
    )
