"""Refusals of providers that an admin adds: each as its document or a public report quotes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.errors import (
    Blame,
    ContentFiltered,
    ContextTooLong,
    ProviderDeniedModel,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderUnavailable,
    UpstreamError,
)
from shared.wire.refusal import read_refusal

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

OVERDUE = {"code": "Arrearage", "param": None, "message": "m", "type": "Arrearage"}
NO_USER_QUOTA = {"message": "m", "type": "v_api_error", "code": "insufficient_user_quota"}


def minimax(code: int) -> object:
    return {"choices": None, "base_resp": {"status_code": code, "status_msg": "m"}}


CASES: dict[str, tuple[int, object, type[UpstreamError]]] = {
    "Moonshot, no balance (MoonshotAI/kimi-code pull request 1857)": (
        429,
        {"error": {"message": "m", "type": "exceeded_current_quota_error"}},
        ProviderQuotaExhausted,
    ),
    "Moonshot, too fast (harry0703/MoneyPrinterTurbo issue 339)": (
        429,
        {"error": {"message": "m", "type": "rate_limit_reached_error"}},
        ProviderRateLimited,
    ),
    "Moonshot, overloaded": (
        429,
        {"error": {"message": "m", "type": "engine_overloaded_error"}},
        ProviderRateLimited,
    ),
    "Moonshot behind OpenRouter (anomalyco/opencode issue 24462)": (
        429,
        {
            "error": {
                "message": "Provider returned error",
                "code": 429,
                "metadata": {"raw": '{"error":{"type":"exceeded_current_quota_error"}}'},
            }
        },
        ProviderQuotaExhausted,
    ),
    "DashScope, overdue (hsliuping/TradingAgents-CN issue 170)": (
        400,
        {"error": OVERDUE, "request_id": "f9"},
        ProviderQuotaExhausted,
    ),
    "DashScope's own API, overdue": (
        400,
        {"code": "Arrearage", "message": "m", "request_id": "f9"},
        ProviderQuotaExhausted,
    ),
    "DashScope, overdue, in a stream": (200, {"error": OVERDUE}, ProviderQuotaExhausted),
    "DashScope, free tier used up": (
        403,
        {"error": {"code": "AllocationQuota.FreeTierOnly", "message": "m"}},
        ProviderQuotaExhausted,
    ),
    "DashScope, not bought": (
        403,
        {"error": {"code": "AccessDenied.Unpurchased", "message": "m"}},
        ProviderDeniedModel,
    ),
    "DashScope, too many tokens a minute": (
        429,
        {"code": "Throttling.AllocationQuota", "message": "m"},
        ProviderRateLimited,
    ),
    "DashScope, unfit content": (
        400,
        {"error": {"code": "data_inspection_failed", "message": "m"}},
        ContentFiltered,
    ),
    "Zhipu, arrears (docs.z.ai, api-reference/api-code)": (
        429,
        {"error": {"code": "1113", "message": "m"}},
        ProviderQuotaExhausted,
    ),
    "Zhipu, too many at once": (
        429,
        {"error": {"code": "1302", "message": "m"}},
        ProviderRateLimited,
    ),
    "Zhipu, unsafe content": (400, {"error": {"code": "1301", "message": "m"}}, ContentFiltered),
    "Zhipu, too long": (400, {"error": {"code": "1261", "message": "m"}}, ContextTooLong),
    "SiliconFlow, no balance": (
        403,
        {"code": 30001, "message": "m", "data": None},
        ProviderQuotaExhausted,
    ),
    "new-api, no quota (popjane/free_chatgpt_api issue 78)": (
        403,
        {"error": NO_USER_QUOTA},
        ProviderQuotaExhausted,
    ),
    "ModelScope (modelscope/modelscope issue 1691)": (
        429,
        {"error": {"http_code": "429", "message": "m", "type": "insufficient_balance_error"}},
        ProviderQuotaExhausted,
    ),
    "sub2api (Wei-Shaw/sub2api issue 890)": (
        403,
        {"code": "INSUFFICIENT_BALANCE", "message": "m"},
        ProviderQuotaExhausted,
    ),
    "DeepSeek, no balance": (
        402,
        {"error": {"message": "m", "type": "unknown_error", "code": "invalid_request_error"}},
        ProviderQuotaExhausted,
    ),
    "MiniMax, no balance": (200, minimax(1008), ProviderQuotaExhausted),
    "MiniMax, too fast": (200, minimax(1002), ProviderRateLimited),
    "MiniMax, a bad key": (200, minimax(1004), ProviderRejectedKey),
    "MiniMax, unfit content": (200, minimax(1026), ContentFiltered),
    "MiniMax, a bad request": (200, minimax(2013), ProviderRefusedRequest),
    "MiniMax, a code to come": (200, minimax(4242), ProviderUnavailable),
    "a status as a field": (200, {"status_code": 503, "detail": "m"}, ProviderUnavailable),
    "a status that is a text": (200, {"http_code": "429", "message": "m"}, ProviderRateLimited),
}


@pytest.mark.parametrize("case", CASES)
def test_a_code_means_what_its_provider_says(case: str) -> None:
    status, body, kind = CASES[case]
    error = read_refusal("extra", status, json.dumps(body).encode(), None, NOW)
    assert type(error) is kind


def test_an_empty_account_is_the_keys_fault_and_not_the_requests() -> None:
    """So another provider is asked, and the key is set aside."""
    status, body, _ = CASES["DashScope, overdue (hsliuping/TradingAgents-CN issue 170)"]
    error = read_refusal("extra", status, json.dumps(body).encode(), None, NOW)
    assert error.blames is Blame.CREDENTIAL
