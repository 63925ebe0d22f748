"""What the spool and the stream carry: an INTENT before the call, a FINAL before the last byte.

Both are msgpack arrays: a new field goes at the end, with a default, so that a writer of the next
release reads what this one spooled. Money is an integer of pico-USD (1e-12 USD), never a float.
"""

from __future__ import annotations

import msgspec


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """One try at one deployment. `error` is a class of error (an error `code`), null if none.

    `via` names the proxy between us and the provider: `litellm`, or null for none.
    """

    provider: str
    model: str
    status: int | None
    error: str | None
    latency_ms: int
    via: str | None = None


class UsageIntent(msgspec.Struct, frozen=True, array_like=True):
    """Written before anything is sent upstream: enough for an `indeterminate` row.

    `deadline_ms` is Unix time in ms after which the request cannot still be running. From
    `end_user` on: as in UsageFinal.
    """

    request_id: str
    deadline_ms: int
    user_id: str
    team_id: str | None
    access_token_id: int | None
    provider_id: int | None
    model_id: int | None
    model_requested: str | None
    power_level: str | None
    task_type: str | None
    is_simulated: bool
    request_ip: str | None
    user_agent: str | None
    session_id: str | None
    end_user: str | None = None
    tags: tuple[str, ...] | None = None
    endpoint: str | None = None
    catalog_version: int | None = None
    routing_facts: bytes | None = None
    trace_id: str | None = None
    parent_span_id: str | None = None
    trace_flags: int | None = None


class UsageFinal(msgspec.Struct, frozen=True, array_like=True):
    """One request that reached an upstream, as billing sees it; the columns of llm_usage_logs.

    Token counts are None where unknown (None is not 0). `prompt_tokens` includes cached and
    cache-write tokens, `completion_tokens` includes reasoning tokens, `cache_write_tokens` those
    that were written for an hour. `*_pico_usd` None: unpriced. `cost_quality` is a CostQuality.

    `state` None is `final`. `indeterminate`: nobody knows what it cost, so nothing is billed. Then
    the counts and costs are None, and `cost_estimated_pico_usd` is what it may have cost; a FINAL
    that is `final` replaces it.

    `error_detail` is the provider's own sentence, cleaned, at most 500 characters. `end_user`: whom
    the caller asked for, as the caller names them. `endpoint` is the door (`chat`, `messages` ...).
    `catalog_version` and `routing_facts` are what the choice was made from. `trace_id` and
    `parent_span_id` are lower-case hex, as in W3C's traceparent. `overrun_pico_usd`: by how much it
    cost more than was reserved for it beforehand. `quote_id`: the quote that it was asked with;
    then it is charged the ceiling of that at most, and an overrun is on top, at our cost.
    """

    request_id: str
    user_id: str
    team_id: str | None
    access_token_id: int | None
    user_key_id: int | None
    provider_id: int | None
    model_id: int | None
    model_requested: str | None
    model_served: str | None
    service_tier: str | None
    is_simulated: bool
    power_level: str | None
    task_type: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_input_pico_usd: int | None
    cost_output_pico_usd: int | None
    cost_total_pico_usd: int | None
    cost_quality: str
    price_version: int | None
    provider_cost_pico_usd: int | None
    used_byok: bool
    billed_to: str
    latency_ms: int
    ttft_ms: int | None
    overhead_us: int | None
    status_code: int
    error_message: str | None
    was_fallback: bool
    fallback_reason: str | None
    attempts: tuple[Attempt, ...]
    request_ip: str | None
    user_agent: str | None
    session_id: str | None
    cache_write_1h_tokens: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    state: str | None = "final"
    cost_estimated_pico_usd: int | None = None
    error_detail: str | None = None
    end_user: str | None = None
    tags: tuple[str, ...] | None = None
    endpoint: str | None = None
    catalog_version: int | None = None
    routing_facts: bytes | None = None
    trace_id: str | None = None
    parent_span_id: str | None = None
    trace_flags: int | None = None
    overrun_pico_usd: int | None = None
    quote_id: str | None = None
