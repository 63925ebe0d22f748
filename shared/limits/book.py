"""Which limits a request meets: the rows by whom they are for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.limits.limit import EACH, Kind, Limit, Scope

_MAX_REMEMBERED = 4096


class Subjects(NamedTuple):
    """Who asks; all that a limit can be for, beside what serves it."""

    token_id: int | None
    user_id: str
    team_id: str | None
    tier: str
    end_user: str | None
    tags: tuple[str, ...] = ()


class Held(NamedTuple):
    """A limit, and whom it is held for: each subject of a row for `*` has its own meter.

    `meter` begins the name of its meters; the rows of a user and of the user's tier are one.
    """

    limit: Limit
    subject: str
    meter: str


class Book:
    """The rows that are in force, found by what a request is."""

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        self._rows: dict[tuple[Scope, str], Limit] = {}
        for limit in limits:
            self._rows[limit.scope, limit.subject] = limit
        self._scopes = frozenset(scope for scope, _ in self._rows)
        self.limits_what_serves = not self._scopes.isdisjoint((Scope.MODEL, Scope.CREDENTIAL))
        self._of_callers: dict[Subjects, tuple[Held, ...]] = {}
        self._of_served: dict[tuple[str, str, int], tuple[Held, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def of_caller(self, who: Subjects) -> tuple[Held, ...]:
        """Those for who asks, whatever serves it."""
        held = self._of_callers.get(who)
        if held is None:
            if len(self._of_callers) >= _MAX_REMEMBERED:
                self._of_callers.clear()
            held = self._of_callers[who] = tuple(self._find_of_caller(who))
        return held

    def of_served(self, slug: str, model_id: str, key_id: int) -> tuple[Held, ...]:
        """Those for the model, and for the key that pays: where its id is 0, the platform's."""
        served = (slug, model_id, key_id)
        held = self._of_served.get(served)
        if held is None:
            if len(self._of_served) >= _MAX_REMEMBERED:
                self._of_served.clear()
            held = self._of_served[served] = tuple(self._find_of_served(*served))
        return held

    def _find_of_caller(self, who: Subjects) -> Iterable[Held]:
        token = None if who.token_id is None else str(who.token_id)
        yield from self._of(Scope.TOKEN, token)
        yield from self._of_user(who)
        yield from self._of(Scope.TEAM, who.team_id)
        yield from self._of(Scope.END_USER, who.end_user)
        for tag in who.tags:
            yield from self._of(Scope.TAG, tag)
        yield from self._of(Scope.ALL, EACH)

    def _of_user(self, who: Subjects) -> Iterable[Held]:
        limit = (
            self._rows.get((Scope.USER, who.user_id))
            or self._rows.get((Scope.TIER, who.tier))
            or self._rows.get((Scope.USER, EACH))
        )
        if limit is not None:
            yield Held(limit, who.user_id, f"{Scope.USER}:{who.user_id}")

    def _find_of_served(self, slug: str, model_id: str, key_id: int) -> Iterable[Held]:
        full = f"{slug}/{model_id}"
        is_bare = (Scope.MODEL, model_id) in self._rows and (Scope.MODEL, full) not in self._rows
        yield from self._of(Scope.MODEL, model_id if is_bare else full)
        yield from self._of(Scope.CREDENTIAL, str(key_id) if key_id else slug)

    def _of(self, scope: Scope, subject: str | None) -> Iterable[Held]:
        if subject is None or scope not in self._scopes:
            return
        limit = self._rows.get((scope, subject)) or self._rows.get((scope, EACH))
        if limit is not None:
            yield Held(limit, subject, f"{scope}:{subject}")


def counts(limit: Limit, kind: Kind, *, is_own_key: bool) -> bool:
    """Whether a request is counted: money of callers' own keys only where the row says so."""
    return not kind.is_money or not is_own_key or limit.counts_byok
