"""Tries one candidate after another until one answers. What is won here is not yet sent."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from shared.completion import failures
from shared.completion.admit import Asked
from shared.completion.client import Client, ClientLeft
from shared.completion.course import Answered, Course, OpenStream, Won
from shared.completion.failures import failure_of, final_error, known_refusal, refused
from shared.completion.frames import release_frames
from shared.completion.head import Head
from shared.completion.outgoing import written
from shared.completion.router import Plan
from shared.completion.take import begun, is_success, take_stream, take_whole
from shared.completion.targets import Target, Targets
from shared.completion.usage_writer import UsageWriter
from shared.errors import (
    Blame,
    InvalidField,
    NotReady,
    PlatformKeyRefused,
    ProviderUnavailable,
    SwitchyardError,
    UpstreamError,
)
from shared.health.circuits_table import CircuitTable
from shared.limits.reached import LimitReached
from shared.metrics import ATTEMPTS
from shared.routing.attempts import MAX_WAIT_S, Next, RetryBudget, next_attempt, pause_s
from shared.routing.choice import Candidate
from shared.routing.order import pass_over
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Provider
from shared.upstream.faults import AddressRefused, ConnectFailed, ConnectTimeout, TransportFault
from shared.upstream.transport import Transport, UpstreamResponse
from shared.wire.chat.answer import NotAnAnswer

KeyFailed = Callable[[OwnKey | None, Provider, UpstreamError, str], None]
"""Told of a key that a provider refused (None: the platform's), its provider, how, and the request.

Called on the event loop, before the caller is answered; it must return at once.
"""


class Attempts:
    """What trying needs; one a process. A request has `deadline_s` for all its attempts."""

    def __init__(
        self,
        *,
        transport: Transport,
        targets: Targets,
        usage: UsageWriter,
        circuits: CircuitTable,
        deadline_s: float,
        on_key_failed: KeyFailed | None = None,
    ) -> None:
        self._transport = transport
        self._targets = targets
        self._usage = usage
        self._circuits = circuits
        self.deadline_s = deadline_s
        self._on_key_failed = on_key_failed
        self._budgets: dict[str, RetryBudget] = {}

    async def win(self, asked: Asked, plan: Plan, head: Head | None, client: Client) -> Won:
        """The answer of the first candidate that gives one; a stream has a `head`.

        Raises SwitchyardError where none does, ClientLeft or CancelledError where nobody waits for
        one any more; then its usage is settled.
        """
        if self._usage.shipper is not None:
            await self._usage.send_again()
        course = Course(plan)
        if self._usage.holds is not None and self._usage.holds.are_wanted:
            course.hold = self._usage.holds.open(asked.who)
            if asked.quote is not None and course.hold is not None:
                course.hold.quote = asked.quote.id
            if head is not None:
                head.hold = course.hold
        try:
            won = await self._try_all(asked, course, head, client)
        except BaseException:
            if client.why_gone is not None:
                self._usage.write_left(asked, course, client.why_gone)
            else:
                course.may_have_cost = True
                self._usage.write_failure(asked, course, status=500, code="internal_error")
            raise
        if won is not None:
            return won
        if not course.failed:
            self._usage.release(course)
            raise course.why_unfit or NotReady("No model could be tried.")
        last = course.failed[-1].error
        answer = final_error(
            course.failed,
            course.attempts,
            is_local=self._circuits.is_local_fault(),
            is_late=client.now() >= client.deadline,
        )
        self._usage.write_failure(asked, course, status=answer.status, code=last.code)
        await self._usage.confirm()
        raise answer from last

    async def _try_all(
        self, asked: Asked, course: Course, head: Head | None, client: Client
    ) -> Won | None:
        """Attempt after attempt, until one answers, none is left, or the head is out."""
        candidates: Sequence[Candidate] = course.plan.choice.candidates
        put_off: list[Candidate] = []
        while head is None or head.is_held:
            client.wait()
            step = next_attempt(candidates, course.failed)
            if step is None:
                break
            candidate = step.candidate
            refusal = known_refusal(candidate)
            if refusal is not None:
                course.begin(candidate)
                course.fail(refusal, was_sent=False)
                self._tell_of_key(asked, candidate, refusal)
                continue
            if candidate not in put_off and not self._circuits.admit(candidate):
                put_off.append(candidate)
                candidates = _behind(candidates, candidate)
                continue
            if not await self._may_begin(step, course, head, client):
                self._circuits.released(candidate)
                break
            try:
                return await self._attempt(asked, course, candidate, head, client)
            except UpstreamError as error:
                release_frames(error)
            except (InvalidField, LimitReached) as unfit_there:
                # Not sent: another provider may know the field that this one does not.
                course.why_unfit = course.why_unfit or unfit_there
                course.candidate = course.failed[-1].candidate if course.failed else candidate
                if isinstance(unfit_there, LimitReached) and not unfit_there.is_of_what_serves:
                    break
                candidates = [one for one in _behind(candidates, candidate) if one != candidate]
        return None

    async def _may_begin(
        self, step: Next, course: Course, head: Head | None, client: Client
    ) -> bool:
        """Whether there is time for it; before a repeat, after its pause and if there is budget."""
        now, deadline = client.now(), client.deadline
        slug = step.candidate.model.provider.slug
        budget = self._budgets.get(slug)
        if budget is None:
            budget = self._budgets[slug] = RetryBudget(now)
        if not step.is_repeat:
            budget.deposit()
            return now < deadline or not course.failed
        wait = max(step.least_wait_s, pause_s(len(course.failed) - 1, random.random()))  # noqa: S311  jitter
        if step.least_wait_s > MAX_WAIT_S or now + wait >= deadline or not budget.take(now):
            return False
        await asyncio.sleep(wait)
        course.upstream_s += wait
        return head is None or head.is_held

    async def _attempt(
        self, asked: Asked, course: Course, candidate: Candidate, head: Head | None, client: Client
    ) -> Won:
        """Send to `candidate`. Raises UpstreamError, which is noted; or InvalidField, unsent."""
        course.begin(candidate)
        if head is not None:
            head.candidate = candidate
        status, is_asked, was_sent, never_connected = None, False, False, False
        try:
            if course.hold is not None:
                await self._usage.reserve(asked, course)
            target = await self._targets.opened(candidate)
            course.is_simulated, course.via = target.is_simulated, target.via
            request, sent = await written(asked, course, target)
            course.dropped_params, course.max_tokens = sent.dropped, sent.max_tokens
            course.intent = self._usage.write_intent(asked, course, self.deadline_s)
            reached_before, course.reached_upstream = course.reached_upstream, True
            is_asked = was_sent = True
            try:
                answer = await self._transport.send(request, deadline=client.deadline)
                status = answer.status
                failures.learn_limits(self._circuits, candidate, target, answer)
                return await self._take(asked, course, answer, target, head, client)
            except TransportFault as fault:
                if client.why_gone is not None:
                    release_frames(fault)
                    raise ClientLeft from None
                never_connected = isinstance(fault, ConnectFailed | ConnectTimeout)
                is_asked = not isinstance(fault, AddressRefused)
                was_sent = not never_connected
                course.reached_upstream = was_sent or reached_before
                raise failure_of(candidate.model.provider.slug, fault) from fault
        except (asyncio.CancelledError, ClientLeft):
            course.leave(status, client.why_gone or "cancelled", was_sent=was_sent)
            self._circuits.released(candidate)
            raise
        except UpstreamError as error:
            # An error status costs nothing; a call that broke off may have been billed to us.
            course.may_have_cost |= was_sent and (status is None or is_success(status))
            course.fail(error, status)
            ATTEMPTS.labels(candidate.model.provider.slug, error.code).inc()
            self._blame(
                *(asked, candidate, error, status),
                is_asked=is_asked,
                never_connected=never_connected,
            )
            raise
        except SwitchyardError as error:
            self._circuits.not_sent(candidate, error)
            raise

    def _blame(
        self,
        asked: Asked,
        candidate: Candidate,
        error: UpstreamError,
        status: int | None,
        *,
        is_asked: bool,
        never_connected: bool,
    ) -> None:
        """Count the failure against whoever is at fault; what was not sent against nobody."""
        if is_asked:
            self._circuits.failed(
                *(candidate, error),
                caller=asked.caller.user_id,
                status=status,
                never_connected=never_connected,
            )
        else:
            self._circuits.not_sent(candidate, error)
        self._tell_of_key(asked, candidate, error)

    async def _take(
        self,
        asked: Asked,
        course: Course,
        answer: UpstreamResponse,
        target: Target,
        head: Head | None,
        client: Client,
    ) -> Won:
        """The answer as it was won. Raises what the provider refused with."""
        candidate, dialect = course.candidate, asked.wire.over(target.dialect, asked.chat)
        provider, created = candidate.model.provider.slug, int(time.time())
        if not is_success(answer.status):
            raise refused(candidate, target, answer, await answer.read_refusal())
        try:
            body = await begun(answer)
            if head is not None:
                most = None if asked.quote is None else course.max_tokens
                stream = await take_stream(
                    *(asked, provider, answer, body, dialect), created=created, most=most
                )
                client.keep(answer)
                course.has_content = True
                course.first_byte_at = course.win()
                return OpenStream(course, head, answer, stream.reader, stream.first, target)
            client.keep(answer)
            course.has_content = bool(body)
            completion = await take_whole(asked, provider, answer, body, dialect, created=created)
        except NotAnAnswer as error:
            said = error.body  # raised below: a context would keep the whole answer
        except BaseException:
            answer.close()
            raise
        else:
            course.win()
            self._circuits.answered(candidate)
            return Answered(course, completion)
        answer.close()
        raise refused(candidate, target, answer, said)

    def _tell_of_key(self, asked: Asked, candidate: Candidate, error: UpstreamError) -> None:
        said = error.__cause__ if isinstance(error, PlatformKeyRefused) else error
        if (
            self._on_key_failed is not None
            and isinstance(said, UpstreamError)
            and said.blames is Blame.CREDENTIAL
            and not said.retryable
        ):
            self._on_key_failed(candidate.key, candidate.model.provider, said, asked.request_id)


def _behind(candidates: Sequence[Candidate], put_off: Candidate) -> Sequence[Candidate]:
    """`put_off` behind the others; what the platform may not pay for instead is left out."""
    errors = [ProviderUnavailable if one == put_off else None for one in candidates]
    return pass_over(candidates, errors).candidates
