"""A settled request as spans of OpenTelemetry: one of its own, and one for each attempt below it.

Names: OpenTelemetry's semantic conventions for generative AI, version 1.41 (client spans), and what
those have no name for below `switchyard.`. Nothing of a prompt or an answer is in a record, so none
of it is in a span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from shared.ledger.record import Attempt, UsageFinal
from shared.ledger.request_id import created_at
from shared.pricing.price import PICO_USD_PER_USD
from shared.telemetry.trace_context import is_sampled, span_id_of, trace_id_of
from shared.wire.providers import provider_of

Value = str | int | float | bool | None

OPERATIONS = {"embeddings": "embeddings"}
"""By endpoint; every other is `chat`."""
_NS_PER_MS = 1_000_000
_SERVER_ERROR = 500


def spans_of(final: UsageFinal) -> list[Span]:
    """None where the caller's trace is not sampled. Raises ValueError for an id without a time."""
    if not is_sampled(final.trace_flags):
        return []
    trace_id = bytes.fromhex(trace_id_of(final.request_id, final.trace_id))
    start = round(created_at(final.request_id).timestamp() * 1000) * _NS_PER_MS
    end = start + final.latency_ms * _NS_PER_MS
    own = Span(
        trace_id=trace_id,
        span_id=bytes.fromhex(span_id_of(final.request_id)),
        parent_span_id=bytes.fromhex(final.parent_span_id or ""),
        name=f"{operation_of(final)} {final.model_requested or final.power_level or 'auto'}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        attributes=attributes(_said_of(final)),
        status=_status(final.status_code, final.error_message),
    )
    return [own, *_attempts(final, trace_id, start, end)]


def _attempts(final: UsageFinal, trace_id: bytes, start: int, end: int) -> Iterator[Span]:
    """One after the other, the last ends with the request: only their lengths are known."""
    begun = max(start, end - sum(one.latency_ms for one in final.attempts) * _NS_PER_MS)
    for number, one in enumerate(final.attempts):
        ended = min(end, begun + one.latency_ms * _NS_PER_MS)
        yield Span(
            trace_id=trace_id,
            span_id=bytes.fromhex(span_id_of(final.request_id, number)),
            parent_span_id=bytes.fromhex(span_id_of(final.request_id)),
            name=f"{operation_of(final)} {one.model}",
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=begun,
            end_time_unix_nano=ended,
            attributes=attributes(
                {
                    "gen_ai.operation.name": operation_of(final),
                    "gen_ai.provider.name": provider_name(one),
                    "gen_ai.request.model": one.model,
                    "http.response.status_code": one.status,
                    "error.type": one.error,
                    "switchyard.via": one.via,
                }
            ),
            status=_status(one.status or 0, one.error),
        )
        begun = ended


def _said_of(final: UsageFinal) -> dict[str, Value]:
    answered = answered_by(final)
    return {
        "gen_ai.operation.name": operation_of(final),
        "gen_ai.provider.name": provider_name(answered) if answered else None,
        "gen_ai.request.model": final.model_requested,
        "gen_ai.response.model": final.model_served or (answered.model if answered else None),
        "gen_ai.conversation.id": final.session_id,
        "gen_ai.usage.input_tokens": final.prompt_tokens,
        "gen_ai.usage.output_tokens": final.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": final.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": final.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": final.reasoning_tokens,
        "http.response.status_code": final.status_code,
        "error.type": final.error_message,
        "user.id": final.user_id,
        "switchyard.request_id": final.request_id,
        "switchyard.endpoint": final.endpoint,
        "switchyard.team_id": final.team_id,
        "switchyard.end_user": final.end_user,
        "switchyard.power_level": final.power_level,
        "switchyard.cost_usd": usd(final.cost_total_pico_usd),
        "switchyard.cost_quality": final.cost_quality,
        "switchyard.billed_to": final.billed_to,
        "switchyard.state": final.state,
        "switchyard.was_fallback": final.was_fallback,
        "switchyard.fallback_reason": final.fallback_reason,
        "switchyard.time_to_first_token_ms": final.ttft_ms,
        "switchyard.overhead_us": final.overhead_us,
        "switchyard.is_simulated": final.is_simulated or None,
    }


def answered_by(final: UsageFinal) -> Attempt | None:
    """The attempt that the answer came from, or else the last one."""
    return final.attempts[-1] if final.attempts else None


def operation_of(final: UsageFinal) -> str:
    return OPERATIONS.get(final.endpoint or "", "chat")


def provider_name(attempt: Attempt) -> str:
    return provider_of(attempt.provider).otel_name or attempt.provider


def usd(pico_usd: int | None) -> float | None:
    return None if pico_usd is None else pico_usd / PICO_USD_PER_USD


def attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    """Those that have a value."""
    return [
        KeyValue(key=name, value=_any_value(value))
        for name, value in values.items()
        if value is not None
    ]


def _any_value(value: str | float | bool) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)


def _status(code: int, error: str | None) -> Status:
    """A caller's own mistake is no error of a server span, and neither is a hang-up."""
    if error is None or 0 < code < _SERVER_ERROR:
        return Status()
    return Status(code=Status.STATUS_CODE_ERROR, message=error)
