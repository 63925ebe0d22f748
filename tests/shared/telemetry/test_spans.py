"""A record as spans and as metrics."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from shared.ledger.record import Attempt
from shared.ledger.request_id import created_at
from shared.telemetry.histograms import metrics_of
from shared.telemetry.spans import spans_of
from shared.telemetry.trace_context import span_id_of
from tests.fakes.collector import attributes_of
from tests.fakes.usage_records import final

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FAILED = Attempt("anthropic", "claude-sonnet-5", 529, "provider_overloaded", 400)
ANSWERED = Attempt("google", "gemini-3-flash", 200, None, 2000)
FALLEN_OVER: dict[str, Any] = {
    "attempts": (FAILED, ANSWERED),
    "was_fallback": True,
    "trace_id": TRACE,
    "parent_span_id": PARENT,
    "trace_flags": 1,
}


def test_one_trace_goes_from_the_caller_through_the_fallback() -> None:
    record = final(**FALLEN_OVER)
    own, first, second = spans_of(record)
    assert {span.trace_id.hex() for span in (own, first, second)} == {TRACE}
    assert own.parent_span_id.hex() == PARENT
    assert own.span_id.hex() == span_id_of(record.request_id)
    assert {span.parent_span_id for span in (first, second)} == {own.span_id}
    assert first.span_id.hex() == span_id_of(record.request_id, 0)
    assert (own.kind, first.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert (own.name, first.name) == ("chat balanced", "chat claude-sonnet-5")
    assert attributes_of(second)["gen_ai.provider.name"] == "gcp.gemini"
    assert attributes_of(first)["error.type"] == "provider_overloaded"
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert own.status.code == second.status.code == Status.STATUS_CODE_UNSET


def test_the_cost_is_the_rows_and_the_times_are_its_times() -> None:
    record = final(**FALLEN_OVER)
    own, first, second = spans_of(record)
    said = attributes_of(own)
    assert said["switchyard.cost_usd"] == record.cost_total_pico_usd / 1e12
    assert said["gen_ai.usage.input_tokens"] == record.prompt_tokens
    assert said["gen_ai.usage.output_tokens"] == record.completion_tokens
    assert said["gen_ai.usage.cache_read.input_tokens"] == record.cached_tokens
    began_ms = round(created_at(record.request_id).timestamp() * 1000)
    assert own.start_time_unix_nano == began_ms * 10**6
    assert own.end_time_unix_nano - own.start_time_unix_nano == 2500 * 10**6
    assert first.end_time_unix_nano == second.start_time_unix_nano
    assert second.end_time_unix_nano == own.end_time_unix_nano
    assert first.start_time_unix_nano >= own.start_time_unix_nano


def test_a_request_without_a_trace_is_found_by_its_id_and_what_is_unknown_is_not_said() -> None:
    record = final(cost_total_pico_usd=None, prompt_tokens=None)
    own = spans_of(record)[0]
    assert own.trace_id.hex() == record.request_id.replace("-", "")
    assert own.parent_span_id == b""
    said = attributes_of(own)
    assert not {"switchyard.cost_usd", "gen_ai.usage.input_tokens"} & said.keys()


@pytest.mark.parametrize(
    ("status", "error", "is_error"),
    [(200, None, False), (400, "invalid_value", False), (502, "provider_unavailable", True)],
)
def test_a_callers_own_mistake_is_no_error_of_ours(
    status: int, error: str | None, is_error: bool
) -> None:
    own = spans_of(final(status_code=status, error_message=error, attempts=()))[0]
    assert (own.status.code == Status.STATUS_CODE_ERROR) is is_error
    assert attributes_of(own).get("error.type") == error


def test_what_nobody_samples_has_no_spans_and_counts_all_the_same() -> None:
    record = final(**{**FALLEN_OVER, "trace_flags": 0})
    assert spans_of(record) == []
    assert metrics_of([record], 1, 2)


def test_metrics_sum_what_the_records_say() -> None:
    records = [final(), final(prompt_tokens=64, ttft_ms=None), final(attempts=(ANSWERED,))]
    found = {metric.name: metric for metric in metrics_of(records, 10, 20)}
    tokens = found["gen_ai.client.token.usage"].histogram.data_points
    by_labels = {tuple(sorted(attributes_of(point).items())): point for point in tokens}
    assert len(by_labels) == 4
    inputs = [p for p in tokens if attributes_of(p)["gen_ai.token.type"] == "input"]
    openai = next(p for p in inputs if attributes_of(p)["gen_ai.provider.name"] == "openai")
    assert (openai.count, openai.sum, openai.min, openai.max) == (2, 1064, 64, 1000)
    # 64 is the upper bound of its bucket, which is (16, 64].
    assert openai.bucket_counts[3] == 1
    assert len(openai.bucket_counts) == len(openai.explicit_bounds) + 1
    assert sum(openai.bucket_counts) == 2
    durations = found["gen_ai.client.operation.duration"].histogram.data_points
    assert sum(point.count for point in durations) == 3
    cost = found["switchyard.cost"].sum.data_points
    assert sum(point.as_double for point in cost) == pytest.approx(3 * 0.0025)
    assert {(p.start_time_unix_nano, p.time_unix_nano) for p in cost} == {(10, 20)}


def test_a_model_that_is_not_listed_makes_no_series_of_its_own() -> None:
    unlisted = Attempt("openai", "ft:whatever-a-caller-names", 200, None, 9)
    (cost,) = metrics_of([final(model_id=None, attempts=(unlisted,))], 1, 2)[-1].sum.data_points
    assert "gen_ai.request.model" not in attributes_of(cost)
