"""Which deployments may serve a request, in which order, and why each other one may not. Pure.

groups.py says what is proposed in which order, fit.py what fits; order.py then passes over what is
not well just now. What is said here is as true for the next request as for this one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from shared.errors import InvalidField
from shared.routing.choice import Candidate, Choice, Dropped, Reason
from shared.routing.deployment import Kind, Model
from shared.routing.fit import (
    DropReason,
    RoutingRequest,
    affordable_tokens,
    most_estimated,
    why_unfit,
)
from shared.routing.groups import Group, Proposal, candidates_of, groups_of_level
from shared.routing.levels import AUTO, level_of
from shared.routing.names import find_models, meant_by
from shared.routing.snapshot import Health, PowerLevel, Snapshot
from shared.routing.unserved import NOT_AN_EMBEDDING_MODEL, unknown_model, unserved

__all__ = ["Candidate", "Choice", "Dropped", "Reason", "choose", "find_models"]

ENOUGH = 16
"""Candidates after which a choice looks no further: three are tried, in a catalog of any size."""

_IMPLICIT = (Reason.SAME_LEVEL, Reason.DEFAULT, Reason.OTHER_LEVEL)


def choose(
    snapshot: Snapshot,
    request: RoutingRequest,
    *,
    enough: int | None = ENOUGH,
) -> Choice:
    """The first `enough` candidates or a few more, and what was dropped before them; None: all.

    Raises UnknownModel, InvalidField (`power_level`) or NotAllowed when nothing can serve.
    """
    level, groups = _groups(snapshot, request, over_ceiling=enough is None)
    gathered = _Gathered(request)
    for group, is_allowed in groups:
        gathered.take(group, enough, is_allowed=is_allowed)
        if enough is not None and len(gathered.candidates) >= enough:
            break
    if not gathered.candidates:
        if enough is None:
            # What was looked at only to be dropped is not why a request is refused.
            return choose(snapshot, request)
        raise unserved(level, gathered.dropped, request)
    return Choice(
        level,
        tuple(gathered.candidates),
        tuple(gathered.left_out()),
        tuple(gathered.ties),
        any(one.model.provider.health is Health.DOWN for one in gathered.candidates),
    )


def as_remembered(snapshot: Snapshot, request: RoutingRequest) -> RoutingRequest:
    """`request` with the shortest prompt that is given the same choice, and without a task type
    that no rule names: few then stand for all.

    Prompts are told apart by the bounds of rules and by the context windows that they overflow
    together with `max_tokens`. Under `max_cost_usd` every token counts.
    """
    task_type = request.task_type if request.task_type in snapshot.task_types else None
    if request.max_cost_pico_usd is not None:
        return msgspec.structs.replace(request, task_type=task_type)
    steps, windows, answer = snapshot.token_steps, snapshot.context_windows, request.max_tokens or 0
    taken = bisect_right(steps, request.prompt_tokens)
    shortest = steps[taken - 1] if taken else 0
    overflowed = bisect_left(windows, request.prompt_tokens + answer, key=most_estimated)
    if overflowed:
        shortest = max(shortest, most_estimated(windows[overflowed - 1]) - answer + 1)
    return msgspec.structs.replace(request, task_type=task_type, prompt_tokens=max(0, shortest))


def _groups(
    snapshot: Snapshot, request: RoutingRequest, *, over_ceiling: bool
) -> tuple[PowerLevel | None, Iterable[tuple[Group, bool]]]:
    """The level whose defaults hold, and what is proposed: each group with whether the token may
    use it by the name that was asked, whatever models that is.

    A level named as a model stands for its groups, where it is in the list.
    """
    allowed = request.allowed_models or ()
    if request.kind is Kind.EMBEDDING:
        return None, _groups_of_embedding(snapshot, request)
    names = tuple(name for name in request.models if name != AUTO)
    if not names:
        level = level_of(snapshot, request.level, request.tier)
        of_level = groups_of_level(snapshot, level, request, over_ceiling=over_ceiling)
        return level, ((group, level.name in allowed) for group in of_level)
    groups: list[tuple[Group, bool]] = []
    for name in names:
        if name in snapshot.levels_by_name:
            level = level_of(snapshot, name, request.tier)
            of_level = groups_of_level(snapshot, level, request, over_ceiling=over_ceiling)
            groups.extend((group, name in allowed) for group in of_level)
        else:
            meant = meant_by(snapshot, name, request)
            if not meant:
                raise unknown_model(snapshot, name, request)
            groups.append((meant, name in allowed))
    return snapshot.levels_by_name.get(names[0]), groups


def _groups_of_embedding(snapshot: Snapshot, request: RoutingRequest) -> list[tuple[Group, bool]]:
    """Of the one model that was named, at each provider that has it: vectors of two do not mix.

    Raises InvalidField for a level, and for names of more than one model; UnknownModel.
    """
    allowed = request.allowed_models or ()
    groups: list[tuple[Group, bool]] = []
    first: Model | None = None
    for name in request.models:
        if name == AUTO or name in snapshot.levels_by_name:
            raise InvalidField(
                f"'{name}' is a power level, and those choose among chat models; name an embedding"
                " model. GET /v1/models lists them, with kind 'embedding'.",
                param="model",
                code=NOT_AN_EMBEDDING_MODEL,
            )
        meant = meant_by(snapshot, name, request)
        if not meant:
            raise unknown_model(snapshot, name, request)
        for one in meant:
            first = first or one.model
            _check_same(first, one.model)
        groups.append((meant, name in allowed))
    return groups


def _check_same(first: Model, other: Model) -> None:
    if _bare(first) != _bare(other):
        raise InvalidField(
            f"{first.model_id} and {other.model_id} are two models, whose vectors do not mix; name"
            " one of them.",
            param="model",
            code="mixed_embedding_models",
        )


def _bare(model: Model) -> str:
    """Its name at any provider: `Qwen/Qwen3-Embedding-8B` is
    `accounts/fireworks/models/qwen3-embedding-8b`.
    """
    return model.model_id.rpartition("/")[2].lower()


class _Gathered:
    """Candidates and drops so far. A deployment is one once a payer, where it comes first."""

    def __init__(self, request: RoutingRequest) -> None:
        self.candidates: list[Candidate] = []
        self.dropped: list[Dropped] = []
        self.ties: list[tuple[int, int]] = []
        self._request = request
        self._as_allowed = msgspec.structs.replace(request, allowed_models=None)
        self._verdicts: dict[tuple[int, int, str, bool, bool], DropReason | None] = {}
        self._known: set[tuple[int, int, str]] = set()
        self._seen: set[tuple[int, int, str, int]] = set()

    def take(self, group: Group, enough: int | None, *, is_allowed: bool = False) -> None:
        """`is_allowed`: the token may use the group, whatever models are in it."""
        start, rank = len(self.candidates), None
        for proposal, candidate in self._fitting(group, is_allowed=is_allowed):
            payer = candidate.key.policy if candidate.key else None
            if rank != (payer, proposal.rank):
                self._close(start)
                start, rank = len(self.candidates), (payer, proposal.rank)
                if enough is not None and start >= enough:
                    return
            self.candidates.append(candidate)
        self._close(start)

    def left_out(self) -> Iterator[Dropped]:
        """The drops, without those of models that came in by another name."""
        taken = {one[:3] for one in self._seen}
        for one in self.dropped:
            model = one.model
            name = (model.id, model.provider.id, model.model_id)
            if one.paid_by_platform or name not in taken:
                yield one

    def _close(self, start: int) -> None:
        """End a span of equals; only rules have weights to tell them apart by."""
        stop = len(self.candidates)
        if stop - start > 1 and self.candidates[start].reason is Reason.RULE:
            self.ties.append((start, stop))

    def _fitting(self, group: Group, *, is_allowed: bool) -> Iterator[tuple[Proposal, Candidate]]:
        for proposal, candidate in candidates_of(group, self._request):
            model = candidate.model
            name = (model.id, model.provider.id, model.model_id)
            if (*name, candidate.credential) in self._seen:
                continue
            # What a rule names may be above the ceiling that holds for the same model elsewhere.
            asked = (*name, proposal.ceiling is not None, is_allowed)
            if asked not in self._verdicts:
                request = self._as_allowed if is_allowed else self._request
                verdict = self._verdicts[asked] = _verdict(proposal, request)
                if verdict is not None and name not in self._known:
                    self.dropped.append(Dropped(model, verdict))
                self._known.add(name)
            if self._verdicts[asked] is not None:
                continue
            # Only now: what a level drops may be named behind it.
            self._seen.add((*name, candidate.credential))
            if candidate.key is None and self._request.platform_refuses(model):
                self.dropped.append(
                    Dropped(model, DropReason.MODEL_UNPRICED, paid_by_platform=True)
                )
                continue
            yield proposal, self._bounded(candidate)

    def _bounded(self, candidate: Candidate) -> Candidate:
        affordable = affordable_tokens(candidate.model, self._request)
        if affordable is None:
            return candidate
        asked = self._request.max_tokens or candidate.model.max_tokens
        if asked is not None and asked <= affordable:
            return candidate
        return msgspec.structs.replace(candidate, max_tokens=affordable)


def _verdict(proposal: Proposal, request: RoutingRequest) -> DropReason | None:
    if proposal.reason in _IMPLICIT and proposal.model.is_deprecated:
        return DropReason.DEPRECATED
    return why_unfit(proposal.model, request, proposal.ceiling) or proposal.closed
