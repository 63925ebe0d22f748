"""Laws of refusals beyond the recorded cases: codes with a status, and inside a 200."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.errors import (
    ContextTooLong,
    ProviderDeniedModel,
    ProviderLacksFeature,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)
from shared.wire.refusal import read_refusal

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

ANTHROPIC = [
    (400, "invalid_request_error", ProviderRefusedRequest),
    (401, "authentication_error", ProviderRejectedKey),
    (402, "billing_error", ProviderQuotaExhausted),
    (403, "permission_error", ProviderDeniedModel),
    (404, "not_found_error", UnknownUpstreamModel),
    (413, "request_too_large", ProviderRefusedRequest),
    (429, "rate_limit_error", ProviderRateLimited),
    (500, "api_error", ProviderUnavailable),
    (504, "timeout_error", ProviderTimeout),
    (529, "overloaded_error", ProviderUnavailable),
]


def refusal(provider: str, status: int, error: object) -> UpstreamError:
    body = json.dumps({"type": "error", "error": error}).encode()
    return read_refusal(provider, status, body, None, NOW)


@pytest.mark.parametrize(("status", "type_", "kind"), ANTHROPIC)
def test_anthropics_error_means_the_same_with_its_status_and_inside_a_stream(
    status: int, type_: str, kind: type[UpstreamError]
) -> None:
    error = {"type": type_, "message": "m"}
    assert type(refusal("anthropic", status, error)) is kind
    inside = refusal("anthropic", 200, error)
    assert type(inside) is kind
    assert inside.upstream_status == status


@pytest.mark.parametrize(
    ("provider", "status", "code", "kind"),
    [
        ("openai", 400, "billing_hard_limit_reached", ProviderQuotaExhausted),
        ("groq", 403, "model_permission_blocked_org", UnknownUpstreamModel),
        ("groq", 403, "model_permission_blocked_project", UnknownUpstreamModel),
        ("litellm", 403, "team_model_access_denied", UnknownUpstreamModel),
        ("litellm", 403, "user_model_access_denied", UnknownUpstreamModel),
        ("litellm", 403, "org_model_access_denied", UnknownUpstreamModel),
        ("litellm", 403, "project_model_access_denied", UnknownUpstreamModel),
        ("litellm", 403, "customer_model_access_denied", UnknownUpstreamModel),
        ("openrouter", 200, 402, ProviderQuotaExhausted),
        ("openrouter", 200, 502, ProviderUnavailable),
        ("openrouter", 200, "context_length_exceeded", ContextTooLong),
        ("openrouter", 200, 42, ProviderUnavailable),
        ("openai", 200, "insufficient_quota", ProviderQuotaExhausted),
        ("openrouter", 524, None, ProviderTimeout),
        ("openai", 403, "invalid_api_key", ProviderRejectedKey),
        ("openai", 403, "unsupported_country_region_territory", ProviderDeniedModel),
        ("openai", 403, "billing_hard_limit_reached", ProviderQuotaExhausted),
        ("google", 403, "API_KEY_SERVICE_BLOCKED", ProviderRejectedKey),
        ("google", 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", ProviderDeniedModel),
        ("openai", 400, "unsupported_parameter", ProviderLacksFeature),
        ("openai", 400, "invalid_function_parameters", ProviderLacksFeature),
        ("mistral", 422, "extra_forbidden", ProviderLacksFeature),
        ("openai", 200, "unsupported_value", ProviderLacksFeature),
        ("openai", 400, "invalid_image_url", ProviderRefusedRequest),
        ("openai", 400, "string_above_max_length", ProviderRefusedRequest),
        ("openai", 405, None, ProviderUnavailable),
        ("openai", 409, "conflict", ProviderUnavailable),
        ("openai", 415, None, ProviderUnavailable),
        ("openai", 421, None, ProviderUnavailable),
    ],
)
def test_a_code_means_what_its_provider_documents(
    provider: str, status: int, code: object, kind: type[UpstreamError]
) -> None:
    assert type(refusal(provider, status, {"code": code, "message": "m"})) is kind


@pytest.mark.parametrize(("own", "status"), [("together", 403), ("fireworks", 412), ("groq", 498)])
def test_one_providers_status_is_not_read_as_anothers(own: str, status: int) -> None:
    error = {"message": "m"}
    assert type(refusal("openai", status, error)) is not type(refusal(own, status, error))


def test_one_field_of_an_unexpected_type_does_not_hide_the_code() -> None:
    error: dict[str, object] = {
        "code": "insufficient_quota",
        "metadata": "text",
        "param": 7,
        "details": {},
    }
    assert type(refusal("openai", 429, error)) is ProviderQuotaExhausted
