"""What the operator sees of a finished request: its metrics and its one log line."""

from __future__ import annotations

from prometheus_client import Counter

from functions.chat_completions.exchange import Exchange
from shared.log import get_logger
from shared.metrics import (
    ATTEMPTS,
    COST_USD,
    FALLBACKS,
    LATENCY,
    OVERHEAD,
    REQUESTS,
    TOKENS,
    TTFT,
)
from shared.usage.record import UsageFinal

_PICO_USD_PER_USD = 1e12

# One a process: a bound logger is made anew at each call of get_logger.
_log = get_logger()


class _Meters:
    """The metrics of one (provider, model), their labels resolved once: 5 us less a request."""

    def __init__(self, provider: str, model: str) -> None:
        self.prompt = TOKENS.labels(provider, model, "prompt")
        self.completion = TOKENS.labels(provider, model, "completion")
        self.cost = COST_USD.labels(provider, model)
        self.latency = LATENCY.labels(provider, model)
        self.ttft = TTFT.labels(provider, model)
        self.attempt = ATTEMPTS.labels(provider, "none")
        self.requests: dict[tuple[str, int], Counter] = {}


_meters: dict[tuple[str, str], _Meters] = {}


def report(exchange: Exchange, final: UsageFinal) -> None:
    model = exchange.candidate.model
    provider = model.provider.slug
    key = (provider, model.model_id)
    meters = _meters.get(key)
    if meters is None:
        meters = _meters[key] = _Meters(*key)
    _count(meters, key, final)
    _log.info(
        "completion.answered" if final.status_code == 200 else "completion.failed",
        request_id=final.request_id,
        user_id=final.user_id,
        provider=provider,
        model=model.model_id,
        power_level=final.power_level,
        status=final.status_code,
        error=final.error_message,
        stream=exchange.chat.stream,
        prompt_tokens=final.prompt_tokens,
        completion_tokens=final.completion_tokens,
        latency_ms=final.latency_ms,
        ttft_ms=final.ttft_ms,
        overhead_us=final.overhead_us,
        attempts=len(final.attempts),
    )


def _count(meters: _Meters, key: tuple[str, str], final: UsageFinal) -> None:
    kind = (final.power_level or "", final.status_code)
    counter = meters.requests.get(kind)
    if counter is None:
        counter = meters.requests[kind] = REQUESTS.labels(*key, *kind)
    counter.inc()
    meters.latency.observe(final.latency_ms / 1000)
    if final.status_code == 200:
        meters.attempt.inc()
    if final.ttft_ms is not None:
        meters.ttft.observe(final.ttft_ms / 1000)
    if final.overhead_us is not None:
        OVERHEAD.observe(final.overhead_us / 1e6)
    if final.prompt_tokens:
        meters.prompt.inc(final.prompt_tokens)
    if final.completion_tokens:
        meters.completion.inc(final.completion_tokens)
    if final.cost_total_pico_usd:
        meters.cost.inc(final.cost_total_pico_usd / _PICO_USD_PER_USD)
    if final.was_fallback:
        FALLBACKS.labels(key[0]).inc()
