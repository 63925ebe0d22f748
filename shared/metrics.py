"""Prometheus metrics. Label sets are bounded: providers and models of the catalog, error codes.

With PROMETHEUS_MULTIPROC_DIR set (prometheus_client reads it), every process of a machine reports
as one.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from shared.log import on_dropped_lines

OTHER = "other"
"""The label of every model that is not in the catalog."""

_LATENCY_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD_BUCKETS_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)

REQUESTS = Counter(
    "switchyard_requests",
    "Completions, by the model that answered and the status the caller got.",
    ["provider", "model", "power_level", "status"],
)
TOKENS = Counter(
    "switchyard_tokens", "Tokens, by kind (prompt, completion).", ["provider", "model", "kind"]
)
COST_USD = Counter("switchyard_cost_usd", "Cost at our prices, in USD.", ["provider", "model"])
LATENCY = Histogram(
    "switchyard_latency_seconds",
    "From the request's last byte to the answer's last byte.",
    ["provider", "model"],
    buckets=_LATENCY_BUCKETS_S,
)
TTFT = Histogram(
    "switchyard_ttft_seconds",
    "From the request's last byte to a stream's first event.",
    ["provider", "model"],
    buckets=_LATENCY_BUCKETS_S,
)
OVERHEAD = Histogram(
    "switchyard_overhead_seconds",
    "The part of the latency that is the gateway's own.",
    buckets=_OVERHEAD_BUCKETS_S,
)
ATTEMPTS = Counter(
    "switchyard_attempts",
    "Attempts at an upstream, by error code (`none`: it answered).",
    ["provider", "error"],
)
RESENT = Counter(
    "switchyard_upstream_resent",
    "Requests sent again because a kept connection had been closed before they reached the host.",
    ["host"],
)
FALLBACKS = Counter("switchyard_fallbacks", "Answers by another than the first candidate.", ["to"])
CIRCUITS = Gauge(
    "switchyard_circuit_state",
    "A model's circuit at a provider: 0 closed, 1 half-open, 2 open.",
    ["provider", "model"],
    multiprocess_mode="livemax",
)
SPOOL_BYTES = Gauge(
    "switchyard_spool_bytes",
    "Bytes of usage on disk that PostgreSQL has not confirmed.",
    multiprocess_mode="livesum",
)
SPOOL_UNSENT_BYTES = Gauge(
    "switchyard_spool_unsent_bytes",
    "Bytes of usage on disk that were not yet sent to the usage stream.",
    multiprocess_mode="livesum",
)

SPOOL_AGE_S = Gauge(
    "switchyard_spool_age_seconds",
    "Age of the oldest segment that PostgreSQL has not confirmed.",
    multiprocess_mode="livemax",
)
SPOOL_DAMAGED = Counter(
    "switchyard_spool_damaged",
    "Stretches of spool files that could not be read; their files are kept as `.damaged`.",
)
STREAM_ENTRIES = Gauge(
    "switchyard_usage_stream_entries",
    "Entries of the usage stream that the writer has not written.",
    multiprocess_mode="mostrecent",
)
WRITER_LAG_S = Gauge(
    "switchyard_usage_writer_lag_seconds",
    "Age of the oldest entry of the usage stream; 0 where it is empty.",
    multiprocess_mode="mostrecent",
)
USAGE_GIVEN_UP = Counter(
    "switchyard_usage_given_up",
    "Requests whose end was never recorded: rows `indeterminate`, not billed.",
)
LOG_LINES_DROPPED = Counter(
    "switchyard_log_lines_dropped",
    "Lines of the log that were dropped because whoever reads it had paused.",
)
on_dropped_lines(LOG_LINES_DROPPED.inc)
MAX_SUBJECTS = 100
"""Of each kind that a process labels metrics with; whoever comes later is OTHER."""
SUBJECT_REQUESTS = Counter(
    "switchyard_subject_requests",
    "Completions, by whom they were for (kind: team, end_user, tag): the first 100 of a kind.",
    ["kind", "subject"],
)
SUBJECT_COST_USD = Counter(
    "switchyard_subject_cost_usd",
    "Cost at our prices, in USD, by whom it was for: the first 100 of a kind.",
    ["kind", "subject"],
)
UNPRICED = Counter(
    "switchyard_unpriced_requests",
    "Answers whose cost is not known: billed to nobody until they are repriced.",
    ["provider", "model"],
)


BUDGETS_REACHED = Counter(
    "switchyard_budgets_reached",
    "Budgets of which 50, 80 or 100 percent were used, each once a period, by scope.",
    ["scope", "percent"],
)
BUDGET_OVERRUNS = Counter(
    "switchyard_budget_overruns",
    "Requests under a budget that cost more than was reserved for them.",
)
PROVIDER_HEALTH = Gauge(
    "switchyard_provider_health",
    "1 for the status that a provider has (healthy, degraded, down, unknown), else 0.",
    ["provider", "status"],
    multiprocess_mode="mostrecent",
)
PROVIDER_CHECK_SECONDS = Gauge(
    "switchyard_provider_check_seconds",
    "What a provider's last answered check took.",
    ["provider"],
    multiprocess_mode="mostrecent",
)


def render_metrics(folder: Path | None) -> tuple[bytes, str]:
    """The exposition text and its content type; of all who write to `folder`, where it is one."""
    registry: CollectorRegistry = REGISTRY
    if folder is not None:
        forget_the_dead(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(folder))
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_the_dead(folder: Path) -> None:
    """Drop the gauges of processes that are gone: uvicorn replaces a dead one and tells nobody."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's, who writes there, too
    return True
