"""What a request has used, as it is written down: from what was asked, tried and answered. Pure."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from shared.completion.admit import Asked
from shared.completion.client import CLIENT_CLOSED_REQUEST
from shared.completion.course import Answered, Course, OpenStream
from shared.ledger.record import UsageFinal, UsageIntent
from shared.pricing.charge import Charge, charge
from shared.wire.providers import provider_of
from shared.wire.text import clean_or_none
from shared.wire.usage import LARGEST_WINDOW, Counts, Usage, believed, settle

TOKENS_PER_S = 50
"""What a model writes while nobody sees it, for an estimate: a usual rate of large models."""
PROMPT_READ_S = 2.0
"""Before its first word a model that does not think is silent no longer than that."""
MOST_TOKENS = 4096
"""Of an answer to which nobody has set a limit."""


class Answer(Protocol):
    """What an answer says of itself."""

    @property
    def model(self) -> str | None: ...
    @property
    def service_tier(self) -> str | None: ...


class Outcome(NamedTuple):
    """How a request ended. `usage` None: not known. `answer` None: nobody gave one.

    `error` is a class of error, None where all went well. `is_final` False: nothing of an answer
    came, and whether the provider bills it nobody knows; then `usage` is what it may have used.
    """

    usage: Usage | None
    status: int
    error: str | None = None
    answer: Answer | None = None
    is_final: bool = True


def answered(asked: Asked, won: Answered) -> Outcome:
    completion = won.completion
    usage = settle(
        _believed(asked, won.course, completion.counts),
        partial(_prompt_tokens, asked),
        lambda: asked.wire.text_tokens(completion.body),
    )
    return Outcome(usage, 200, answer=completion)


def streamed(asked: Asked, won: OpenStream) -> Outcome:
    """Of a stream that came to its end."""
    return Outcome(_streamed_usage(asked, won), 200, answer=won.reader)


def cut_off(asked: Asked, won: OpenStream, status: int, error: str) -> Outcome:
    """Of a stream that did not: what came of it. A count that came before may be behind it."""
    usage, reader = _streamed_usage(asked, won), won.reader
    if not reader.is_finished or reader.counts is None:
        came = reader.delivered_tokens()
        tokens = max(usage.completion_tokens, came, _thoughts(won.course))
        usage = msgspec.structs.replace(usage, completion_tokens=tokens, is_estimated=True)
    return Outcome(usage, status, error, reader)


def left(asked: Asked, course: Course, error: str, now: float) -> Outcome:
    """Of a request whose client was gone before it was answered; `now`: time.perf_counter() s.

    Once something of an answer had come it is billed by an estimate. Before that it is not known
    whether it is billed to us, and what it may have cost stands beside.
    """
    if not course.may_have_cost:
        return Outcome(Usage(0, 0), CLIENT_CLOSED_REQUEST, error)
    written = round((now - course.attempt_started) * TOKENS_PER_S)
    usage = Usage(
        _prompt_tokens(asked), min(written, _most_tokens(asked, course)), is_estimated=True
    )
    return Outcome(usage, CLIENT_CLOSED_REQUEST, error, is_final=course.has_content)


def _streamed_usage(asked: Asked, won: OpenStream) -> Usage:
    return settle(
        _believed(asked, won.course, won.reader.counts),
        partial(_prompt_tokens, asked),
        won.reader.delivered_tokens,
    )


def _believed(asked: Asked, course: Course, counts: Counts | None) -> Counts | None:
    """What is possible of the counts: for this model, and for what it was allowed to say."""
    if counts is None:
        return None
    return believed(
        counts,
        window=(course.candidate.model.context_window or LARGEST_WINDOW) * asked.chat.inputs,
        most_answer_tokens=course.max_tokens,
        choices=asked.chat.n,
    )


def _prompt_tokens(asked: Asked) -> int:
    return asked.chat.prompt.tokens


def failed(course: Course, status: int, error: str) -> Outcome:
    """Of a request that no provider answered.

    A refusal costs nothing; where the connection broke after the request was sent, the cost is
    not known, which is not the same as zero.
    """
    return Outcome(None if course.may_have_cost else Usage(0, 0), status, error)


def intent_of(asked: Asked, course: Course, deadline_ms: int) -> UsageIntent:
    """`deadline_ms` is Unix time after which the request cannot still be running."""
    caller, model, trace = asked.caller, course.candidate.model, asked.trace
    return UsageIntent(
        request_id=asked.request_id,
        deadline_ms=deadline_ms,
        user_id=caller.user_id,
        team_id=caller.team_id,
        access_token_id=caller.token_id,
        provider_id=model.provider.id,
        model_id=model.id or None,
        model_requested=asked.chat.model,
        power_level=course.level,
        task_type=asked.task_type,
        is_simulated=course.is_simulated,
        request_ip=asked.client_ip,
        user_agent=asked.user_agent,
        session_id=asked.session_id,
        end_user=asked.end_user,
        tags=asked.tags or None,
        endpoint=asked.wire.endpoint,
        trace_id=trace.trace_id if trace else None,
        parent_span_id=trace.parent_span_id if trace else None,
        trace_flags=trace.flags if trace else None,
    )


def final_of(asked: Asked, course: Course, outcome: Outcome, now: float) -> UsageFinal:
    """`now` is time.perf_counter() seconds: when the request came to its end."""
    final = _final_of(asked, course, outcome, now)
    if asked.trace is not None:
        trace_id, parent, flags = asked.trace
        final = msgspec.structs.replace(
            final, trace_id=trace_id, parent_span_id=parent, trace_flags=flags
        )
    return final if outcome.is_final else _indeterminate(final)


def _final_of(asked: Asked, course: Course, outcome: Outcome, now: float) -> UsageFinal:
    usage, answer, caller = outcome.usage, outcome.answer, asked.caller
    model, key, cost = course.candidate.model, course.candidate.key, _charge(course, usage, answer)
    return UsageFinal(
        request_id=asked.request_id,
        user_id=caller.user_id,
        team_id=caller.team_id,
        access_token_id=caller.token_id,
        user_key_id=key.id if key else None,
        provider_id=model.provider.id,
        model_id=model.id or None,
        model_requested=asked.chat.model,
        model_served=clean_or_none(answer.model) if answer else None,
        service_tier=clean_or_none(answer.service_tier) if answer else None,
        is_simulated=course.is_simulated,
        power_level=course.level,
        task_type=asked.task_type,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        total_tokens=usage.total_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cost_input_pico_usd=cost.input,
        cost_output_pico_usd=cost.output,
        cost_total_pico_usd=cost.total,
        cost_quality=cost.quality,
        price_version=cost.price_version,
        provider_cost_pico_usd=usage.provider_cost_pico_usd if usage else None,
        used_byok=key is not None,
        billed_to="user" if key else "platform",
        latency_ms=round((now - asked.started) * 1000),
        ttft_ms=_ttft_ms(asked, course),
        overhead_us=_overhead_us(asked, course, now),
        status_code=outcome.status,
        error_message=outcome.error,
        error_detail=course.error_detail if outcome.error else None,
        was_fallback=course.was_fallback,
        fallback_reason=course.fallback_reason,
        attempts=(*course.attempts, *([course.attempt(now, 200, None)] if answer else [])),
        request_ip=asked.client_ip,
        user_agent=asked.user_agent,
        session_id=asked.session_id,
        end_user=asked.end_user,
        tags=asked.tags or None,
        endpoint=asked.wire.endpoint,
        cache_write_1h_tokens=usage.cache_write_1h_tokens if usage else None,
        prompt_audio_tokens=usage.prompt_audio_tokens if usage else None,
        completion_audio_tokens=usage.completion_audio_tokens if usage else None,
    )


def _charge(course: Course, usage: Usage | None, answer: Answer | None) -> Charge:
    model = course.candidate.model
    report = provider_of(course.via or model.provider.slug).cost_report
    return charge(model.price, usage, answer.service_tier if answer else None, report)


def _indeterminate(final: UsageFinal) -> UsageFinal:
    """What was estimated stands beside: none of it is billed, or counted as used."""
    return msgspec.structs.replace(
        final,
        state="indeterminate",
        cost_estimated_pico_usd=final.cost_total_pico_usd,
        cost_input_pico_usd=None,
        cost_output_pico_usd=None,
        cost_total_pico_usd=None,
        prompt_tokens=None,
        completion_tokens=None,
        total_tokens=None,
    )


def _ttft_ms(asked: Asked, course: Course) -> int | None:
    first_byte = course.first_byte_at
    return None if first_byte is None else round((first_byte - asked.started) * 1000)


def _overhead_us(asked: Asked, course: Course, now: float) -> int:
    """Microseconds that were ours: up to the first byte of a stream, up to the end of a JSON."""
    until = course.first_byte_at or now
    return max(0, round((until - asked.started - course.upstream_s) * 1e6))


def _thoughts(course: Course) -> int:
    """Thoughts that are not shown are billed too: the silence before the first word says how many.

    Where they are shown they were counted as they came, so it is the larger of the two.
    """
    silent_s = (course.first_byte_at or 0.0) - course.attempt_started - PROMPT_READ_S
    return round(max(0.0, silent_s) * TOKENS_PER_S)


def _most_tokens(asked: Asked, course: Course) -> int:
    level, model = course.plan.choice.level, course.candidate.model
    limits = (
        *(asked.chat.max_tokens, course.candidate.max_tokens),
        *(level.default_max_tokens if level else None, model.max_tokens),
    )
    return next((limit for limit in limits if limit is not None), MOST_TOKENS)
