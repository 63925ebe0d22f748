"""Rows of two users in a year long past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from shared.ledger.record import UsageFinal
from tests.fakes.usage_records import final, intent, request_id_at

DAY = datetime(2024, 2, 28, tzinfo=UTC)
Get = Callable[..., httpx.Response]


def at(hours: float, **changes: Any) -> UsageFinal:
    """A row of Anna's, so many hours after the start of DAY."""
    values = {"user_id": "anna", "team_id": None, "access_token_id": 7, **changes}
    return final(request_id=request_id_at(DAY + timedelta(hours=hours)), **values)


ANNAS = [at(hours) for hours in range(60)]
OTHERS = [
    at(1, user_id="bert", access_token_id=8, model_id=1, power_level="eco", billed_to="user"),
    at(2, user_id="bert", access_token_id=8, cost_total_pico_usd=None, cost_quality="unpriced"),
    at(3, user_id="bert", access_token_id=8, is_simulated=True, session_id="=1+1"),
]
ORPHAN = intent(
    user_id="bert", request_id=request_id_at(DAY + timedelta(hours=4)), access_token_id=8
)
