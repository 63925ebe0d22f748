"""Usage records with plain values, changed by name where a test cares."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from msgspec import structs

from shared.ledger.record import Attempt, UsageFinal, UsageIntent
from shared.ledger.request_id import new_request_id


def request_id_at(moment: datetime) -> str:
    """A fresh UUIDv7 of that moment."""
    milliseconds = int(moment.timestamp() * 1000)
    value = uuid.uuid4().int & ~(0xFFFF_FFFF_FFFF << 80) & ~(0xF << 76)
    return str(uuid.UUID(int=value | milliseconds << 80 | 0x7 << 76))


def final(**changes: Any) -> UsageFinal:
    """A platform-paid answer of 1000 + 200 tokens for 0.0025 USD, streamed."""
    record = UsageFinal(
        request_id=new_request_id(),
        user_id="user-1",
        team_id="team-1",
        access_token_id=3,
        user_key_id=None,
        provider_id=1,
        model_id=2,
        model_requested="balanced",
        model_served="gpt-4o-2024-08-06",
        service_tier="default",
        is_simulated=False,
        power_level="balanced",
        task_type=None,
        prompt_tokens=1000,
        completion_tokens=200,
        total_tokens=1200,
        cached_tokens=100,
        cache_write_tokens=None,
        reasoning_tokens=50,
        cost_input_pico_usd=1_500_000_000,
        cost_output_pico_usd=1_000_000_000,
        cost_total_pico_usd=2_500_000_000,
        cost_quality="measured",
        price_version=1,
        provider_cost_pico_usd=None,
        used_byok=False,
        billed_to="platform",
        latency_ms=2500,
        ttft_ms=500,
        overhead_us=180,
        status_code=200,
        error_message=None,
        was_fallback=False,
        fallback_reason=None,
        attempts=(Attempt("openai", "gpt-4o", 200, None, 2490),),
        request_ip="192.0.2.7",
        user_agent="openai-python",
        session_id=None,
    )
    return structs.replace(record, **changes)


def intent(**changes: Any) -> UsageIntent:
    """The INTENT of the same user, at another provider than `final` ended at."""
    record = UsageIntent(
        request_id=new_request_id(),
        deadline_ms=0,
        user_id="user-1",
        team_id="team-1",
        access_token_id=3,
        provider_id=9,
        model_id=8,
        model_requested="balanced",
        power_level="balanced",
        task_type=None,
        is_simulated=False,
        request_ip="192.0.2.7",
        user_agent="openai-python",
        session_id=None,
    )
    return structs.replace(record, **changes)
