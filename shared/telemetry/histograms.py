"""Settled requests as metrics of OpenTelemetry: what came since the last time (delta temporality).

Instruments, units and buckets: the semantic conventions for generative AI, "Generative AI client
metrics". Cost has no instrument there: `switchyard.cost`, in USD.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from shared.ledger.record import UsageFinal
from shared.telemetry.spans import (
    Value,
    answered_by,
    attributes,
    operation_of,
    provider_name,
    usd,
)

_TOKENS = tuple(float(4**power) for power in range(14))
_SECONDS = tuple(round(0.01 * 2**power, 2) for power in range(14))
_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA

_Labels = tuple[tuple[str, Value], ...]


class _Instrument(NamedTuple):
    name: str
    unit: str
    description: str
    bounds: tuple[float, ...]


_USED = _Instrument("gen_ai.client.token.usage", "{token}", "Tokens, by type.", _TOKENS)
_DURATION = _Instrument(
    "gen_ai.client.operation.duration", "s", "How long a request took.", _SECONDS
)
_FIRST = _Instrument(
    "gen_ai.server.time_to_first_token", "s", "How long a stream's first token took.", _SECONDS
)


def metrics_of(finals: Iterable[UsageFinal], start_ns: int, end_ns: int) -> list[Metric]:
    """`start_ns` and `end_ns`: Unix time in ns between which these requests were settled."""
    seen: dict[_Instrument, dict[_Labels, list[float]]] = {}
    costs: dict[_Labels, float] = {}
    for final in finals:
        labels = _labels(final)
        for instrument, more, value in _measured(final):
            seen.setdefault(instrument, {}).setdefault((*labels, *more), []).append(value)
        cost = usd(final.cost_total_pico_usd)
        if cost is not None:
            costs[labels] = costs.get(labels, 0.0) + cost
    found = [_histogram(one, points, start_ns, end_ns) for one, points in seen.items()]
    if costs:
        found.append(_cost(costs, start_ns, end_ns))
    return found


def _labels(final: UsageFinal) -> _Labels:
    """Of a bounded number: models of the catalog, and what an unlisted one was asked for as."""
    answered = answered_by(final)
    return (
        ("gen_ai.operation.name", operation_of(final)),
        ("gen_ai.provider.name", provider_name(answered) if answered else None),
        ("gen_ai.request.model", answered.model if answered and final.model_id else None),
    )


def _measured(final: UsageFinal) -> Iterator[tuple[_Instrument, _Labels, float]]:
    tokens = {"input": final.prompt_tokens, "output": final.completion_tokens}
    for kind, count in tokens.items():
        if count is not None:
            yield _USED, (("gen_ai.token.type", kind),), float(count)
    yield _DURATION, (("error.type", final.error_message),), final.latency_ms / 1000
    if final.ttft_ms is not None:
        yield _FIRST, (), final.ttft_ms / 1000


def _histogram(
    instrument: _Instrument, points: dict[_Labels, list[float]], start_ns: int, end_ns: int
) -> Metric:
    made = [
        HistogramDataPoint(
            attributes=attributes(dict(labels)),
            start_time_unix_nano=start_ns,
            time_unix_nano=end_ns,
            count=len(values),
            sum=sum(values),
            min=min(values),
            max=max(values),
            explicit_bounds=instrument.bounds,
            bucket_counts=_counts(values, instrument.bounds),
        )
        for labels, values in points.items()
    ]
    return Metric(
        name=instrument.name,
        unit=instrument.unit,
        description=instrument.description,
        histogram=Histogram(data_points=made, aggregation_temporality=_DELTA),
    )


def _counts(values: Sequence[float], bounds: tuple[float, ...]) -> list[int]:
    """How many are in each bucket; an upper bound belongs to its bucket."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    return counts


def _cost(costs: dict[_Labels, float], start_ns: int, end_ns: int) -> Metric:
    points = [
        NumberDataPoint(
            attributes=attributes(dict(labels)),
            start_time_unix_nano=start_ns,
            time_unix_nano=end_ns,
            as_double=cost,
        )
        for labels, cost in costs.items()
    ]
    return Metric(
        name="switchyard.cost",
        unit="USD",
        description="Cost at our prices.",
        sum=Sum(data_points=points, aggregation_temporality=_DELTA, is_monotonic=True),
    )
