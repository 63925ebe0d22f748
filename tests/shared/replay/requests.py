"""A settled request of the past, with plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from shared.replay.past import Past

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def past(**changes: Any) -> Past:
    """Balanced, of a professional, served by its rule's model: 1,000 and 200 tokens."""
    plain = Past(
        session="request-1",
        created_at=NOON,
        user_id="ann",
        team_id="crew",
        token_id=7,
        end_user=None,
        tags=[],
        tier="professional",
        allowed_models=None,
        provider="openai",
        model="gpt-6.1-terra",
        model_requested="balanced",
        power_level="balanced",
        task_type=None,
        is_chat=True,
        used_byok=False,
        own_key_id=0,
        prompt_tokens=1000,
        completion_tokens=200,
        cached_tokens=None,
        cache_write_tokens=None,
        cost_usd=Decimal("0.002"),
    )
    return msgspec.structs.replace(plain, **changes)
