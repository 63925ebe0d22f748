"""Records for tests: complete, with values a test can tell apart."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.usage.record import UsageFinal, UsageIntent
from shared.usage.request_id import new_request_id


def an_intent(request_id: str | None = None, **changes: Any) -> UsageIntent:
    intent = UsageIntent(
        request_id=request_id or new_request_id(),
        deadline_ms=4_000_000_000_000,
        user_id="alice",
        team_id=None,
        access_token_id=None,
        provider_id=1,
        model_id=1,
        model_requested="balanced",
        power_level="balanced",
        task_type=None,
        is_simulated=False,
        request_ip="127.0.0.1",
        user_agent="curl",
        session_id=None,
    )
    return msgspec.structs.replace(intent, **changes)


def a_final(request_id: str | None = None, **changes: Any) -> UsageFinal:
    final = UsageFinal(
        request_id=request_id or new_request_id(),
        user_id="alice",
        team_id=None,
        access_token_id=None,
        user_key_id=None,
        provider_id=1,
        model_id=1,
        model_requested="balanced",
        model_served="gpt",
        service_tier=None,
        is_simulated=False,
        power_level="balanced",
        task_type=None,
        prompt_tokens=10,
        completion_tokens=20,
        total_tokens=30,
        cached_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        cost_input_pico_usd=1_000_000,
        cost_output_pico_usd=2_000_001,
        cost_total_pico_usd=3_000_001,
        cost_quality="measured",
        price_version=1,
        provider_cost_pico_usd=None,
        used_byok=False,
        billed_to="platform",
        latency_ms=100,
        ttft_ms=None,
        overhead_us=80,
        status_code=200,
        error_message=None,
        was_fallback=False,
        fallback_reason=None,
        attempts=(),
        request_ip="127.0.0.1",
        user_agent="curl",
        session_id=None,
    )
    return msgspec.structs.replace(final, **changes)
