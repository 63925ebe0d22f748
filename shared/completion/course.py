"""What happened on the way to an answer, and the answer that was won."""

from __future__ import annotations

import time
from typing import NamedTuple

from shared.completion.head import Head
from shared.completion.router import Plan
from shared.completion.targets import Target
from shared.errors import InvalidField, UpstreamError
from shared.ledger.record import Attempt, UsageIntent
from shared.limits.hold import Hold
from shared.limits.reached import LimitReached
from shared.routing.attempts import Failed
from shared.routing.choice import Candidate
from shared.upstream.transport import UpstreamResponse
from shared.wire.chat.answer import Completion
from shared.wire.dialect import Reader

_MAX_DETAIL = 500
"""Characters of UsageFinal.error_detail."""

_LEAST_REDIRECT = 300


class Course:
    """Written by attempts.py alone. Times are time.perf_counter() seconds.

    `candidate` is the one that answers, or was tried last; `attempts` are those that failed.
    `upstream_s` is what the providers took, and pauses. `may_have_cost`: a call broke off that may
    have been billed to us. `has_content`: something of the candidate's answer has come.
    `why_unfit`: the field that a provider could not be sent, or the limit it is at. `max_tokens`:
    what the candidate was let answer with, for all choices together. `hold`: what is reserved of
    limits; `ceiling`: the tokens of an answer that a budget pays for.
    """

    __slots__ = (
        "attempt_started",
        "attempts",
        "candidate",
        "ceiling",
        "dropped_params",
        "failed",
        "first_byte_at",
        "has_content",
        "hold",
        "intent",
        "is_simulated",
        "max_tokens",
        "may_have_cost",
        "plan",
        "reached_upstream",
        "upstream_s",
        "via",
        "why_unfit",
    )

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.candidate: Candidate = plan.preferred
        self.attempts: list[Attempt] = []
        self.failed: list[Failed] = []
        self.why_unfit: InvalidField | LimitReached | None = None
        self.hold: Hold | None = None
        self.ceiling: int | None = None
        self.attempt_started = 0.0
        self.first_byte_at: float | None = None
        self.has_content = False
        self.upstream_s = 0.0
        self.intent: UsageIntent | None = None
        self.is_simulated = False
        self.via: str | None = None
        self.may_have_cost = False
        self.dropped_params: tuple[str, ...] = ()
        self.max_tokens: int | None = None
        self.reached_upstream = False

    def begin(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.has_content = False
        self.via = None
        self.attempt_started = time.perf_counter()

    def fail(
        self, error: UpstreamError, status: int | None = None, *, was_sent: bool = True
    ) -> None:
        """Note how the attempt failed; `was_sent` False: it was known how it would."""
        now = time.perf_counter()
        self.upstream_s += now - self.attempt_started
        self.attempts.append(self.attempt(now, status, error.code))
        self.failed.append(Failed(self.candidate, error, was_sent))

    def leave(self, status: int | None, why: str, *, was_sent: bool) -> None:
        """Note that nobody waits for the attempt any more: what it costs is not known."""
        now = time.perf_counter()
        self.upstream_s += now - self.attempt_started
        # An error status costs nothing, even where its words had not come yet.
        self.may_have_cost |= was_sent and (status is None or status < _LEAST_REDIRECT)
        self.attempts.append(self.attempt(now, status, why))

    def win(self) -> float:
        """The provider has answered, or begun to; returns when."""
        now = time.perf_counter()
        self.upstream_s += now - self.attempt_started
        return now

    def attempt(self, now: float, status: int | None, error: str | None) -> Attempt:
        """The attempt under way, as it is written down."""
        model = self.candidate.model
        return Attempt(
            provider=model.provider.slug,
            model=model.model_id,
            status=status,
            error=error,
            latency_ms=round((now - self.attempt_started) * 1000),
            via=self.via,
        )

    @property
    def error_detail(self) -> str | None:
        """What the providers said of why they failed, in one line each, the last one first."""
        said = (one.error.detail for one in reversed(self.failed))
        return " | ".join(detail for detail in said if detail)[:_MAX_DETAIL] or None

    @property
    def level(self) -> str | None:
        return self.plan.level_of(self.candidate)

    @property
    def was_fallback(self) -> bool:
        """Whether another than the preferred candidate answers: after it failed, or unasked."""
        return self.candidate is not self.plan.preferred

    @property
    def fallback_reason(self) -> str | None:
        """The code of the first attempt's error; `passed_over`: the preferred one was not well."""
        if not self.was_fallback:
            return None
        return self.failed[0].error.code if self.failed else "passed_over"


class Answered(NamedTuple):
    """A whole answer."""

    course: Course
    completion: Completion


class OpenStream(NamedTuple):
    """A stream that has said something; `first` is what it said so far, not yet sent."""

    course: Course
    head: Head
    answer: UpstreamResponse
    reader: Reader
    first: bytes
    target: Target


Won = Answered | OpenStream
