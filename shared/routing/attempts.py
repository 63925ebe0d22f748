"""What to try after what has failed: which candidate, whether again, after how long. Pure.

Another provider comes first and at once; only where there is none left is the same one asked
again, once, after a pause. Rules by class of error: RELIABILITY.md section 5.

What one provider alone does not take (ProviderLacksFeature) is tried once more, elsewhere: that it
is this provider alone cannot be known before another was asked. A prompt that is too long for one
model is tried at those with a larger window.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.errors import (
    Blame,
    ContextTooLong,
    PlatformKeyRefused,
    ProviderDeniedModel,
    ProviderLacksFeature,
    ProviderRateLimited,
    UpstreamError,
)
from shared.routing.choice import Candidate
from shared.routing.consent import may_follow

MAX_ATTEMPTS = 3
MAX_WAIT_S = 10.0
"""Whom a provider tells to wait longer is told so; a held request would only be cut on the way."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0


class Failed(msgspec.Struct, frozen=True):
    """`was_sent`: False where the candidate was known to fail, and nothing went upstream."""

    candidate: Candidate
    error: UpstreamError
    was_sent: bool = True


class Next(msgspec.Struct, frozen=True):
    """`is_repeat`: at a provider that has just failed; then wait, at least `least_wait_s`."""

    candidate: Candidate
    is_repeat: bool = False
    least_wait_s: float = 0.0


def next_attempt(candidates: Sequence[Candidate], failed: Sequence[Failed]) -> Next | None:
    """The attempt to make now, or None where the request has failed."""
    if not failed:
        return Next(candidates[0]) if candidates else None
    if sum(one.was_sent for one in failed) >= MAX_ATTEMPTS or not _goes_on(failed):
        return None
    failures = [(one.candidate.key, type(one.error)) for one in failed]
    open_ones = [
        one
        for one in candidates
        if may_follow(one.key, failures) and not any(_is_futile(one, past) for past in failed)
    ]
    untried = [one for one in open_ones if not any(one is past.candidate for past in failed)]
    for candidate in untried:
        if not any(_shares_fate(candidate, past) for past in failed):
            return Next(candidate)
    if untried and isinstance(failed[-1].error, ProviderLacksFeature):
        return Next(untried[0])
    tried_once = [one for one in open_ones if sum(one is past.candidate for past in failed) == 1]
    for candidate in (*untried, *tried_once):
        return Next(candidate, is_repeat=True, least_wait_s=_least_wait_s(candidate, failed))
    return None


def pause_s(repeats: int, chance: float) -> float:
    """Full jitter: up to 0.25 s before the first repeat, doubling, 8 s at most.

    `chance` is drawn from [0, 1). Source: AWS Architecture Blog, "Exponential backoff and jitter".
    """
    return chance * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**repeats)


def _goes_on(failed: Sequence[Failed]) -> bool:
    """A fault of the request ends it: it would fail everywhere."""
    error = failed[-1].error
    if isinstance(error, ProviderLacksFeature):
        return sum(isinstance(one.error, ProviderLacksFeature) for one in failed) == 1
    return error.retryable or error.blames is Blame.CREDENTIAL or isinstance(error, ContextTooLong)


def _is_futile(candidate: Candidate, past: Failed) -> bool:
    """Whether it must fail as `past` did: the same key refused, the same model unknown there, or
    no larger window."""
    if isinstance(past.error, ContextTooLong):
        window, too_small = candidate.model.context_window, past.candidate.model.context_window
        return window is None or too_small is None or window <= too_small
    if candidate.model.provider.slug != past.candidate.model.provider.slug:
        return False
    error = past.error
    is_same_model = candidate.model.model_id == past.candidate.model.model_id
    if isinstance(error, ProviderDeniedModel):
        return is_same_model and candidate.credential == past.candidate.credential
    if error.blames is Blame.MODEL or isinstance(error, ProviderLacksFeature):
        return is_same_model
    blames_key = error.blames is Blame.CREDENTIAL and not error.retryable
    if blames_key or isinstance(error, PlatformKeyRefused):
        return candidate.credential == past.candidate.credential
    return candidate is past.candidate and not past.was_sent


def _shares_fate(candidate: Candidate, past: Failed) -> bool:
    """Whether `candidate` asks again of what has just failed: the provider, or its limit."""
    if candidate.model.provider.slug != past.candidate.model.provider.slug:
        return False
    if isinstance(past.error, ProviderRateLimited):
        return candidate.credential == past.candidate.credential
    return past.error.blames is Blame.PROVIDER or isinstance(past.error, ProviderLacksFeature)


def _least_wait_s(candidate: Candidate, failed: Sequence[Failed]) -> float:
    waits = [past.error.retry_after_s for past in failed if _shares_fate(candidate, past)]
    return max((wait for wait in waits if wait is not None), default=0.0)


class RetryBudget:
    """How often one provider may be asked again: 20 % of its requests, and 10 a second.

    So that a provider in trouble is not kept there by its own clients. Source: Finagle's default
    (twitter.github.io/finagle, RetryBudget). Times are seconds of one clock that never goes back.
    """

    SHARE, PER_SECOND, MOST = 0.2, 10.0, 20.0

    def __init__(self, now_s: float) -> None:
        self._balance = self.PER_SECOND
        self._since_s = now_s

    def deposit(self) -> None:
        """A first attempt is made."""
        self._balance = min(self.MOST, self._balance + self.SHARE)

    def take(self, now_s: float) -> bool:
        """Whether a repeat may be made; if so it is paid for."""
        earned = (now_s - self._since_s) * self.PER_SECOND
        self._since_s = now_s
        # What time brings is not saved up beyond a second: the budget is for now.
        self._balance = max(self._balance, min(self.PER_SECOND, self._balance + earned))
        if self._balance < 1:
            return False
        self._balance -= 1
        return True
