"""One completion: try the candidates in their order until one answers, and bill the answer."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from functions.chat_completions import settle
from functions.chat_completions.exchange import Exchange
from functions.chat_completions.own_key_watch import OwnKeyWatch
from functions.chat_completions.settle import Books
from functions.chat_completions.stream import first_events, relay
from functions.chat_completions.target import Target
from functions.chat_completions.targets import Targets
from shared.errors import (
    AllCandidatesFailed,
    InvalidField,
    NotReady,
    PlatformKeyRefused,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    SwitchyardError,
    UpstreamError,
)
from shared.metrics import ATTEMPTS
from shared.routing.choose import Candidate
from shared.upstream.faults import (
    ConnectFailed,
    ConnectTimeout,
    DeadlineReached,
    IdleTimeout,
    TransportFault,
)
from shared.upstream.transport import Answer, Outgoing, Transport
from shared.wire.completion import with_reported_cost
from shared.wire.refusal import read_refusal

MAX_ATTEMPTS = 3


class Completions:
    """What completing a request needs; one a process."""

    def __init__(
        self,
        *,
        transport: Transport,
        targets: Targets,
        books: Books,
        watch: OwnKeyWatch,
        deadline_s: float,
    ) -> None:
        self.transport = transport
        self.targets = targets
        self.books = books
        self.watch = watch
        self.deadline_s = deadline_s

    async def complete(self, exchange: Exchange) -> None:
        """Answer the request, falling over to the next candidate while nothing has been sent.

        Raises SwitchyardError where no candidate answered; usage is settled in every case.
        """
        deadline = asyncio.get_running_loop().time() + self.deadline_s
        errors: list[UpstreamError] = []
        unfit: InvalidField | None = None
        tried: Candidate | None = None
        try:
            for candidate in exchange.choice.candidates[:MAX_ATTEMPTS]:
                try:
                    await self._attempt(exchange, candidate, deadline)
                except UpstreamError as error:
                    errors.append(error)
                    tried = candidate
                    if not error.retryable:
                        break
                except InvalidField as refused:
                    # Not sent: another provider may know the field that this one does not.
                    unfit = unfit or refused
                    exchange.candidate = tried or candidate
                else:
                    return
        except BaseException:
            exchange.may_have_cost = True
            settle.failed(exchange, self.books, status=500, code="internal_error")
            raise
        if not errors:
            raise unfit or NotReady("No model could be tried.")
        answer = _worst(errors, exchange)
        settle.failed(exchange, self.books, status=answer.status, code=errors[-1].code)
        raise answer from errors[-1]

    async def _attempt(self, exchange: Exchange, candidate: Candidate, deadline: float) -> None:
        exchange.begin_attempt(candidate)
        provider = candidate.model.provider.slug
        status = None
        was_sent = False
        try:
            _refuse_known_bad(candidate)
            target = self.targets.of(candidate)
            exchange.is_simulated, exchange.via = target.is_simulated, target.via
            outgoing = _outgoing(exchange, target)
            settle.intend(exchange, self.books, self.deadline_s)
            reached_before, exchange.reached_upstream = exchange.reached_upstream, True
            was_sent = True
            try:
                answer = await self.transport.send(outgoing, deadline=deadline)
                status = answer.status
                await self._take(exchange, answer, target)
            except TransportFault as fault:
                was_sent = not isinstance(fault, ConnectFailed | ConnectTimeout)
                exchange.reached_upstream = was_sent or reached_before
                raise _failure(provider, fault) from fault
        except UpstreamError as error:
            # An error status costs nothing; a call that broke off may have been billed to us.
            exchange.may_have_cost |= was_sent and status in (None, 200)
            exchange.end_attempt(status, error)
            self.watch.note(candidate.key, candidate.model.provider, error, exchange.request_id)
            ATTEMPTS.labels(provider, error.code).inc()
            raise

    async def _take(self, exchange: Exchange, answer: Answer, target: Target) -> None:
        """Relay the answer, or raise what the provider refused with."""
        dialect = target.dialect
        if answer.status != 200:
            raise _refused(exchange, target, answer, await answer.read())
        if exchange.chat.stream:
            created = int(time.time())
            reader = dialect.reader(show_usage=exchange.chat.include_usage, created=created)
            try:
                head = await first_events(exchange, answer, reader)
            except BaseException:
                answer.close()
                raise
            await relay(exchange, answer, reader, head, self.books)
            return
        body = await answer.read()
        try:
            completion = dialect.reply(body, created=int(time.time()))
        except ValueError as error:
            raise _refused(exchange, target, answer, body) from error
        if dialect.cost_header is not None:
            completion = with_reported_cost(completion, answer.header(dialect.cost_header))
        exchange.end_attempt(200, None)
        await settle.answered(exchange, completion, self.books)


def _refuse_known_bad(candidate: Candidate) -> None:
    """A key that its provider refused before is not sent again."""
    if candidate.key is not None and candidate.key.is_refused:
        provider = candidate.model.provider
        raise ProviderRejectedKey(
            provider.slug,
            f"{provider.name} refused your own API key; store a valid one, or test it again.",
        )


def _failure(provider: str, fault: TransportFault) -> UpstreamError:
    if isinstance(fault, ConnectTimeout | DeadlineReached | IdleTimeout):
        return ProviderTimeout(provider, f"{provider} did not answer in time.")
    return ProviderUnavailable(provider, f"The connection to {provider} failed.")


def _outgoing(exchange: Exchange, target: Target) -> Outgoing:
    level = exchange.choice.level
    translated = target.dialect.request(
        exchange.chat,
        target.model_prefix + exchange.candidate.model.model_id,
        max_tokens=level.default_max_tokens if level else None,
        temperature=level.default_temperature if level else None,
    )
    exchange.dropped_params = translated.dropped
    return Outgoing(b"POST", target.origin, target.target, target.headers, translated.body)


def _refused(exchange: Exchange, target: Target, answer: Answer, body: bytes) -> UpstreamError:
    """The error that an answer stands for: by its status, or inside a 200 by its code.

    The operator's own key at fault is never a 401.
    """
    model = exchange.candidate.model
    error = read_refusal(
        target.speaks_as,
        answer.status,
        body,
        answer.header(b"retry-after"),
        datetime.now(UTC),
    )
    is_platforms = exchange.candidate.key is None
    if is_platforms and isinstance(error, ProviderRejectedKey | ProviderQuotaExhausted):
        name = "The LiteLLM proxy" if target.via else model.provider.name
        return PlatformKeyRefused(
            error.provider,
            f"{name} refused the platform's own key; the operator has to mend it.",
            upstream_status=error.upstream_status,
        )
    return error


def _worst(errors: list[UpstreamError], exchange: Exchange) -> SwitchyardError:
    """What the caller is told: the one error, or that every candidate failed, each with its own."""
    last = errors[-1]
    if not last.retryable:
        return last
    if all(isinstance(error, ProviderRateLimited) for error in errors):
        waits = [error.retry_after_s for error in errors if error.retry_after_s is not None]
        last.retry_after_s = min(waits, default=None)
        return last
    if all(isinstance(error, ProviderTimeout) for error in errors):
        return last
    return AllCandidatesFailed(
        "Every model that could serve this request failed: "
        + ", ".join(f"{one.provider}/{one.model}: {one.error}" for one in exchange.attempts)
        + ".",
        tuple(
            {
                "provider": one.provider,
                "model": one.model,
                "status": one.status,
                "error": one.error,
                "latency_ms": one.latency_ms,
            }
            for one in exchange.attempts
        ),
    )
