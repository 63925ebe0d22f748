"""One completion: try the candidates in their order until one answers, and bill the answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from functions.chat_completions import settle
from functions.chat_completions.exchange import Exchange
from functions.chat_completions.failures import (
    failure_of,
    known_refusal,
    refused,
    told,
)
from functions.chat_completions.settle import UsageWriter
from functions.chat_completions.stream import Head, first_content, relay
from functions.chat_completions.target import Target
from functions.chat_completions.targets import Targets
from shared.errors import (
    Blame,
    InvalidField,
    NotReady,
    PlatformKeyRefused,
    ProviderUnavailable,
    UpstreamError,
)
from shared.health.circuits_table import CircuitTable
from shared.metrics import ATTEMPTS
from shared.routing.attempts import (
    MAX_WAIT_S,
    Failed,
    Next,
    RetryBudget,
    next_attempt,
    pause_s,
)
from shared.routing.choice import Candidate
from shared.routing.order import draw, order, pass_over
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Provider
from shared.upstream.faults import ConnectFailed, ConnectTimeout, TransportFault
from shared.upstream.transport import Transport, UpstreamRequest, UpstreamResponse
from shared.wire.chat.answer import with_reported_cost
from shared.wire.chat.request import ChatRequest, raw_json
from shared.wire.rate_limits import read_rate_limits
from shared.wire.usage import estimate_tokens

KeyFailed = Callable[[OwnKey | None, Provider, UpstreamError, str], None]
"""Told of a key that a provider refused (None: the platform's), its provider, how, and the request.

Called on the event loop, before the caller is answered; it must return at once.
"""

_LOW_DIGITS = 4
_LIMITS_OF_ANSWERS = ("max_tokens", "max_completion_tokens")


class Completions:
    """What completing a request needs; one a process."""

    def __init__(
        self,
        *,
        transport: Transport,
        targets: Targets,
        books: UsageWriter,
        deadline_s: float,
        circuits: CircuitTable | None = None,
        on_key_failed: KeyFailed | None = None,
    ) -> None:
        self.transport = transport
        self.targets = targets
        self.books = books
        self.deadline_s = deadline_s
        self.circuits = circuits or CircuitTable()
        self._on_key_failed = on_key_failed
        self._budgets: dict[str, RetryBudget] = {}

    async def complete(self, exchange: Exchange) -> None:
        """Answer the request, falling over to the next candidate while nothing has been sent.

        Raises SwitchyardError where no candidate answered; usage is settled in every case.
        """
        deadline = asyncio.get_running_loop().time() + self.deadline_s
        if self.books.shipper is not None:
            await self.books.send_again()
        self._order(exchange)
        exchange.head = head = Head(exchange) if exchange.chat.stream else None
        try:
            failed, unfit = await self._try_all(exchange, deadline)
        except BaseException:
            exchange.may_have_cost = True
            settle.failed(exchange, self.books, status=500, code="internal_error")
            raise
        finally:
            if head is not None:
                await head.stop()
        if exchange.is_answered:
            return
        if not failed:
            raise unfit or NotReady("No model could be tried.")
        answer = told(
            failed,
            exchange,
            is_local=self.circuits.is_local_fault(),
            is_late=asyncio.get_running_loop().time() >= deadline,
        )
        settle.failed(exchange, self.books, status=answer.status, code=failed[-1].error.code)
        await self.books.confirm()
        if head is not None and head.is_sent:
            await head.end(answer)
            return
        raise answer from failed[-1].error

    def _order(self, exchange: Exchange) -> None:
        """Put the candidates in the order of this moment and this session."""
        choice = draw(exchange.choice, exchange.session_id or exchange.request_id)
        exchange.intended = choice.candidates[0]
        exchange.choice = order(
            choice,
            self.circuits.blocks,
            prompt_tokens=estimate_tokens(exchange.chat.prompt_bytes),
            now_s=self.circuits.clock(),
        )

    async def _try_all(
        self, exchange: Exchange, deadline: float
    ) -> tuple[list[Failed], InvalidField | None]:
        """Attempt after attempt, until one answers or none is left."""
        candidates: Sequence[Candidate] = exchange.choice.candidates
        failed: list[Failed] = []
        unfit: InvalidField | None = None
        put_off: list[Candidate] = []
        while (step := next_attempt(candidates, failed)) is not None:
            candidate = step.candidate
            refusal = known_refusal(candidate)
            if refusal is not None:
                exchange.note_unsent(candidate, refusal)
                failed.append(Failed(candidate, refusal, was_sent=False))
                continue
            if candidate not in put_off and not self.circuits.admit(candidate):
                put_off.append(candidate)
                candidates = _behind(candidates, candidate)
                continue
            if not await self._may_begin(exchange, step, failed, deadline):
                break
            try:
                await self._attempt(exchange, candidate, deadline)
            except UpstreamError as error:
                failed.append(Failed(candidate, error))
                if exchange.response_started:
                    break
            except InvalidField as unknown_there:
                # Not sent: another provider may know the field that this one does not.
                unfit = unfit or unknown_there
                exchange.candidate = failed[-1].candidate if failed else candidate
                candidates = [one for one in _behind(candidates, candidate) if one != candidate]
            else:
                exchange.is_answered = True
                break
        return failed, unfit

    async def _may_begin(
        self, exchange: Exchange, step: Next, failed: Sequence[Failed], deadline: float
    ) -> bool:
        """Whether there is time for it; before a repeat, after its pause and if there is budget."""
        now = asyncio.get_running_loop().time()
        slug = step.candidate.model.provider.slug
        budget = self._budgets.get(slug)
        if budget is None:
            budget = self._budgets[slug] = RetryBudget(now)
        if not step.is_repeat:
            budget.deposit()
            return now < deadline or not failed
        wait = max(step.least_wait_s, pause_s(len(failed) - 1, random.random()))  # noqa: S311  jitter
        if step.least_wait_s > MAX_WAIT_S or now + wait >= deadline or not budget.take(now):
            return False
        await asyncio.sleep(wait)
        exchange.upstream_s += wait
        return not exchange.response_started

    async def _attempt(self, exchange: Exchange, candidate: Candidate, deadline: float) -> None:
        exchange.begin_attempt(candidate)
        provider = candidate.model.provider
        status = None
        was_sent = never_connected = False
        try:
            target = self.targets.of(candidate)
            exchange.is_simulated, exchange.via = target.is_simulated, target.via
            outgoing = _outgoing(exchange, target)
            settle.intend(exchange, self.books, self.deadline_s)
            reached_before, exchange.reached_upstream = exchange.reached_upstream, True
            was_sent = True
            try:
                answer = await self.transport.send(outgoing, deadline=deadline)
                status = answer.status
                self._learn(candidate, target, answer)
                await self._take(exchange, answer, target)
            except TransportFault as fault:
                never_connected = isinstance(fault, ConnectFailed | ConnectTimeout)
                was_sent = not never_connected
                exchange.reached_upstream = was_sent or reached_before
                raise failure_of(provider.slug, fault) from fault
        except UpstreamError as error:
            # An error status costs nothing; a call that broke off may have been billed to us.
            exchange.may_have_cost |= was_sent and status in (None, 200)
            exchange.end_attempt(status, error)
            ATTEMPTS.labels(provider.slug, error.code).inc()
            self.circuits.failed(candidate, error, never_connected=never_connected)
            self._tell_of_key(exchange, candidate, error)
            raise

    async def _take(self, exchange: Exchange, answer: UpstreamResponse, target: Target) -> None:
        """Relay the answer, or raise what the provider refused with."""
        candidate, dialect = exchange.candidate, target.dialect
        if answer.status != 200:
            raise refused(candidate, target, answer, await answer.read())
        if exchange.chat.stream:
            created = int(time.time())
            reader = dialect.reader(show_usage=exchange.chat.include_usage, created=created)
            try:
                first = await first_content(exchange, answer, reader)
            except BaseException:
                answer.close()
                raise
            problem = await relay(exchange, answer, reader, first, self.books)
            if problem is None:
                self.circuits.answered(candidate)
            else:
                self.circuits.failed(candidate, problem)
            return
        body = await answer.read()
        try:
            completion = dialect.reply(body, created=int(time.time()))
        except ValueError as error:
            raise refused(candidate, target, answer, body) from error
        if dialect.cost_header is not None:
            completion = with_reported_cost(completion, answer.header(dialect.cost_header))
        exchange.end_attempt(200, None)
        self.circuits.answered(candidate)
        await settle.answered(exchange, completion, self.books)

    def _learn(self, candidate: Candidate, target: Target, answer: UpstreamResponse) -> None:
        """Read the rate-limit headers, but only where one says that little is left.

        To read them all costs 20 us; to look for a short number, less than one.
        """
        for name, value in answer.headers:
            is_short = len(value) <= _LOW_DIGITS and b"remaining" in name
            if is_short and (value == b"0" or b"token" in name):
                limits = read_rate_limits(answer.headers, target.speaks_as, datetime.now(UTC))
                self.circuits.learn(candidate, limits)
                return

    def _tell_of_key(self, exchange: Exchange, candidate: Candidate, error: UpstreamError) -> None:
        said = error.__cause__ if isinstance(error, PlatformKeyRefused) else error
        if (
            self._on_key_failed is not None
            and isinstance(said, UpstreamError)
            and said.blames is Blame.CREDENTIAL
            and not said.retryable
        ):
            provider = candidate.model.provider
            self._on_key_failed(candidate.key, provider, said, exchange.request_id)


def _behind(candidates: Sequence[Candidate], put_off: Candidate) -> Sequence[Candidate]:
    """`put_off` behind the others; what the platform may not pay for in its place is left out."""
    errors = [ProviderUnavailable if one == put_off else None for one in candidates]
    return pass_over(candidates, errors).candidates


def _outgoing(exchange: Exchange, target: Target) -> UpstreamRequest:
    level, candidate = exchange.choice.level, exchange.candidate
    max_tokens = level.default_max_tokens if level else None
    chat = exchange.chat
    if candidate.max_tokens is not None:
        max_tokens = min(max_tokens or candidate.max_tokens, candidate.max_tokens)
        chat = _clamped(chat, candidate.max_tokens)
    translated = target.dialect.request(
        chat,
        target.model_prefix + candidate.model.model_id,
        max_tokens=max_tokens,
        temperature=level.default_temperature if level else None,
    )
    exchange.dropped_params = translated.dropped
    return UpstreamRequest(
        b"POST",
        target.origin,
        target.target,
        target.headers,
        translated.body,
        target.may_be_private,
    )


def _clamped(chat: ChatRequest, max_tokens: int) -> ChatRequest:
    """The request with what `max_cost_usd` leaves for the answer, under the names it came with."""
    named = [name for name in _LIMITS_OF_ANSWERS if name in chat.fields]
    if chat.max_tokens is None or not named or chat.max_tokens <= max_tokens:
        return chat
    fields = {**chat.fields, **dict.fromkeys(named, raw_json(max_tokens))}
    return msgspec.structs.replace(chat, fields=fields, max_tokens=max_tokens)
