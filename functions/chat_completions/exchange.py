"""One request as its answer takes shape: who asks, what was tried, when what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from litestar.types import HTTPScope, Receive, Send

from shared.auth.caller import Caller
from shared.errors import UpstreamError
from shared.ledger.record import Attempt, UsageIntent
from shared.ledger.request_id import new_request_id
from shared.routing.choose import Candidate, Choice
from shared.wire.chat.request import ChatRequest

if TYPE_CHECKING:
    from functions.chat_completions.stream import Head

_MAX_HEADER_CHARS = 200


class Exchange:
    """Times are time.perf_counter() seconds. `upstream_s` is what the providers took, and pauses.

    `intended` is the candidate that answers when all are well.
    """

    __slots__ = (
        "attempt_started",
        "attempts",
        "caller",
        "candidate",
        "chat",
        "choice",
        "dropped_params",
        "first_byte_at",
        "head",
        "headers",
        "intended",
        "intent",
        "is_answered",
        "is_settled",
        "is_simulated",
        "may_have_cost",
        "reached_upstream",
        "receive",
        "request_id",
        "response_started",
        "scope",
        "send",
        "started",
        "upstream_s",
        "via",
    )

    caller: Caller
    chat: ChatRequest
    choice: Choice
    candidate: Candidate
    intended: Candidate

    def __init__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        self.started = time.perf_counter()
        self.request_id = new_request_id()
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.attempts: list[Attempt] = []
        self.attempt_started = self.started
        self.first_byte_at: float | None = None
        self.upstream_s = 0.0
        self.head: Head | None = None
        self.intent: UsageIntent | None = None
        self.is_answered = False
        self.is_settled = False
        self.is_simulated = False
        self.via: str | None = None
        self.may_have_cost = False
        self.dropped_params: tuple[str, ...] = ()
        self.reached_upstream = False
        self.response_started = False

    def begin_attempt(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.via = None
        self.attempt_started = time.perf_counter()

    def end_attempt(self, status: int | None, error: UpstreamError | None) -> None:
        elapsed = time.perf_counter() - self.attempt_started
        if self.first_byte_at is None:
            self.upstream_s += elapsed
        model = self.candidate.model
        self.attempts.append(
            Attempt(
                provider=model.provider.slug,
                model=model.model_id,
                status=status,
                error=None if error is None else error.code,
                latency_ms=round(elapsed * 1000),
                via=self.via,
            )
        )

    def note_unsent(self, candidate: Candidate, error: UpstreamError) -> None:
        """An attempt that was not made: it was known how it would end."""
        self.begin_attempt(candidate)
        self.end_attempt(None, error)

    @property
    def level(self) -> str | None:
        level = self.choice.level
        return level.name if level is not None else self.candidate.model.power_level

    @property
    def was_fallback(self) -> bool:
        """Whether another than the intended candidate answers: after it failed, or unasked."""
        return self.candidate is not self.intended

    @property
    def fallback_reason(self) -> str | None:
        """The code of the first attempt's error; `passed_over`: the intended one was not well."""
        if not self.was_fallback:
            return None
        first = self.attempts[0]
        return first.error or "passed_over"

    @property
    def client_ip(self) -> str | None:
        client = self.scope["client"]
        return client[0] if client else None

    @property
    def user_agent(self) -> str | None:
        return self._header(b"user-agent")

    @property
    def session_id(self) -> str | None:
        session = self._header(b"x-session-id") or self.chat.session
        return session[:_MAX_HEADER_CHARS] if session else None

    @property
    def task_type(self) -> str | None:
        task_type = self.chat.task_type or self._header(b"x-task-type")
        return task_type[:_MAX_HEADER_CHARS] if task_type else None

    def _header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return value.decode("latin-1")[:_MAX_HEADER_CHARS] if value else None
