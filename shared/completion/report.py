"""What the operator sees of finished requests: their metrics, and one log line each.

Gathered for 100 ms and written together: it is off the way of the answer, and costs a third.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache

from shared import metrics
from shared.ledger.record import UsageFinal
from shared.log import Line, get_logger, log_lines
from shared.pricing.charge import CostQuality
from shared.pricing.price import PICO_USD_PER_USD

GATHERED_S = 0.1


class CompletionLine(Line, kw_only=True):
    """The log line of a request; `error` is a class of error, `error_detail` what the provider
    said of it, cleaned; times are in the unit they name."""

    request_id: str
    user_id: str
    provider: str
    model: str
    power_level: str | None
    status: int
    error: str | None
    error_detail: str | None
    stream: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: int
    ttft_ms: int | None
    overhead_us: int | None
    attempts: int


class Reporter:
    """One a process; belongs to the event loop it is used on."""

    def __init__(self) -> None:
        self._noted: list[tuple[float, str, str, bool, UsageFinal]] = []
        self._subjects: dict[str, set[str]] = {}

    def note(self, provider: str, model: str, stream: bool, final: UsageFinal) -> None:
        """Take a finished request in; it is reported within GATHERED_S."""
        if not self._noted:
            asyncio.get_running_loop().call_later(GATHERED_S, self.flush)
        self._noted.append((time.time(), provider, model, stream, final))

    def flush(self) -> None:
        noted, self._noted = self._noted, []
        _count([(provider, model, final) for _, provider, model, _, final in noted])
        self._count_subjects([final for *_, final in noted])
        log_lines([_line(*one) for one in noted])
        for _, provider, model, _, final in noted:
            _flag_another(provider, model, final)

    def _count_subjects(self, finals: list[UsageFinal]) -> None:
        """A request with two tags counts for both."""
        pico_usd: dict[tuple[str, str], list[int]] = {}
        for final in finals:
            for kind, subject in subjects_of(final):
                found = self._subjects.setdefault(kind, set())
                if subject not in found and len(found) < metrics.MAX_SUBJECTS:
                    found.add(subject)
                label = subject if subject in found else metrics.OTHER
                pico_usd.setdefault((kind, label), []).append(final.cost_total_pico_usd or 0)
        for labels, costs in pico_usd.items():
            metrics.SUBJECT_REQUESTS.labels(*labels).inc(len(costs))
            metrics.SUBJECT_COST_USD.labels(*labels).inc(sum(costs) / PICO_USD_PER_USD)


def subjects_of(final: UsageFinal) -> list[tuple[str, str]]:
    """For whom a request was, by kind; none of most."""
    found: list[tuple[str, str]] = []
    if final.team_id:
        found.append(("team", final.team_id))
    if final.end_user:
        found.append(("end_user", final.end_user))
    if final.tags:
        found += [("tag", tag) for tag in final.tags]
    return found


def _line(at: float, provider: str, model: str, stream: bool, final: UsageFinal) -> CompletionLine:
    return CompletionLine(
        event="completion.answered" if final.status_code == 200 else "completion.failed",
        timestamp=f"{_second(int(at))}.{int(at % 1 * 1e6):06}Z",
        request_id=final.request_id,
        user_id=final.user_id,
        provider=provider,
        model=model,
        power_level=final.power_level,
        status=final.status_code,
        error=final.error_message,
        error_detail=final.error_detail,
        stream=stream,
        prompt_tokens=final.prompt_tokens,
        completion_tokens=final.completion_tokens,
        latency_ms=final.latency_ms,
        ttft_ms=final.ttft_ms,
        overhead_us=final.overhead_us,
        attempts=len(final.attempts),
    )


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    """Unix time as ISO 8601 has it, up to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _flag_another(provider: str, model: str, final: UsageFinal) -> None:
    """Say so where a proxy answered with another model than it was asked for: the row is billed as
    the one that was asked for."""
    via = final.attempts[-1].via if final.attempts else None
    if via is not None and _is_another(model, final.model_served):
        get_logger().warning(
            "completion.model_differs",
            request_id=final.request_id,
            via=via,
            provider=provider,
            model=model,
            model_served=final.model_served,
        )


def _is_another(asked: str, served: str | None) -> bool:
    """A vendor before the name, or a date behind it, makes no other model."""
    if served is None:
        return False
    ours, theirs = (name.rpartition("/")[2].lower() for name in (asked, served))
    return not (theirs.startswith(ours) or ours.startswith(theirs))


def _count(finished: list[tuple[str, str, UsageFinal]]) -> None:
    requests: Counter[tuple[str, str, str, int]] = Counter()
    tokens: Counter[tuple[str, str, str]] = Counter()
    pico_usd: Counter[tuple[str, str]] = Counter()
    latencies: dict[tuple[str, str], list[float]] = {}
    for provider, name, final in finished:
        # Anybody with an own key can name any number of models that are in no row of ours.
        model = name if final.model_id is not None else metrics.OTHER
        requests[provider, model, final.power_level or "", final.status_code] += 1
        tokens[provider, model, "prompt"] += final.prompt_tokens or 0
        tokens[provider, model, "completion"] += final.completion_tokens or 0
        pico_usd[provider, model] += final.cost_total_pico_usd or 0
        latencies.setdefault((provider, model), []).append(final.latency_ms / 1000)
        _observe(provider, model, final)
    for (provider, model, level, status), number in requests.items():
        metrics.REQUESTS.labels(provider, model, level, status).inc(number)
        if status == 200:
            metrics.ATTEMPTS.labels(provider, "none").inc(number)
    for labels, number in tokens.items():
        metrics.TOKENS.labels(*labels).inc(number)
    for labels, number in pico_usd.items():
        metrics.COST_USD.labels(*labels).inc(number / PICO_USD_PER_USD)
    for labels, seconds in latencies.items():
        observe = metrics.LATENCY.labels(*labels).observe
        for latency in seconds:
            observe(latency)


def _observe(provider: str, model: str, final: UsageFinal) -> None:
    if final.ttft_ms is not None:
        metrics.TTFT.labels(provider, model).observe(final.ttft_ms / 1000)
    if final.overhead_us is not None:
        metrics.OVERHEAD.observe(final.overhead_us / 1e6)
    if final.cost_quality == CostQuality.UNPRICED:
        metrics.UNPRICED.labels(provider, model).inc()
    if final.was_fallback:
        metrics.FALLBACKS.labels(provider).inc()
