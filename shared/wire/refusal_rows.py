"""What each provider's statuses and error codes mean: one row each, most telling row wins.

A provider whose status means what it means everywhere has no row for it: Together's 402 (spending
limit) and 503 (overload), Fireworks' 503, Anthropic's 402 and 529, OpenRouter's 502 and 503,
Google's 402 (prepayment spent). A row may leave the provider or the code open. Precedence: provider
with status and code, provider with status, any provider with status and code, any provider with
status, then the status's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from shared.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)


class Meaning(msgspec.Struct, frozen=True):
    """The error a row stands for; `text` may hold {provider} and {status}."""

    kind: type[UpstreamError]
    text: str


_KEY = Meaning(ProviderRejectedKey, "{provider} refused the API key.")
_QUOTA = Meaning(ProviderQuotaExhausted, "The key's account at {provider} has no credit.")
_RATE = Meaning(ProviderRateLimited, "{provider} answered that the rate limit is reached.")
_TIMEOUT = Meaning(ProviderTimeout, "{provider} gave up on the request in time.")
_DOWN = Meaning(ProviderUnavailable, "{provider} answered {status}.")
_MODEL = Meaning(UnknownUpstreamModel, "{provider} does not know this model.")
_CONTEXT = Meaning(ContextTooLong, "The messages are longer than the model's context window.")
_FILTER = Meaning(ContentFiltered, "{provider}'s content filter refused the request.")
_REQUEST = Meaning(ProviderRefusedRequest, "{provider} refused the request ({status}).")

_Row = tuple[str | None, tuple[int, ...], str | None, Meaning]

_BAD_REQUEST: Final = (400, 413, 422)

_ROWS: Final[tuple[_Row, ...]] = (
    (None, (401, 403), None, _KEY),
    (None, (402,), None, _QUOTA),
    (None, (404,), None, _MODEL),
    (None, (429,), None, _RATE),
    # 524: Cloudflare's timeout, which OpenRouter documents (EdgeNetworkTimeoutResponse).
    (None, (408, 504, 524), None, _TIMEOUT),
    # OpenAI, guides/error-codes: "inspect error.code" to tell quota from rate.
    (None, (403, 429), "insufficient_quota", _QUOTA),
    (None, (403, 429), "credit_balance_exhausted", _QUOTA),
    (None, (400, 403, 429), "billing_hard_limit_reached", _QUOTA),
    (None, _BAD_REQUEST, "insufficient_quota", _QUOTA),
    (None, _BAD_REQUEST, "context_length_exceeded", _CONTEXT),
    (None, _BAD_REQUEST, "content_filter", _FILTER),
    (None, _BAD_REQUEST, "content_policy_violation", _FILTER),
    # A project without access to a model gets 403 with this code.
    (None, (400, 403), "model_not_found", _MODEL),
    # llama.cpp, tools/server/server-common.cpp: ERROR_TYPE_EXCEED_CONTEXT_SIZE.
    (None, _BAD_REQUEST, "exceed_context_size_error", _CONTEXT),
    # ai.google.dev/gemini-api/docs/troubleshooting: a bad key is a 400, by ErrorInfo.reason;
    # FAILED_PRECONDITION is a free tier where there is none, billing has to be switched on.
    ("google", (400,), "API_KEY_INVALID", _KEY),
    ("google", (400,), "FAILED_PRECONDITION", _QUOTA),
    # console.groq.com/docs/errors: 498 is flex capacity. Its 413 with this code is a request above
    # the tokens a minute of this key, which another key or provider can serve.
    ("groq", (498,), None, _DOWN),
    ("groq", (413,), "rate_limit_exceeded", _RATE),
    # console.groq.com/docs/deprecations and docs/model-permissions.
    ("groq", (400,), "model_decommissioned", _MODEL),
    ("groq", (403,), "model_permission_blocked_org", _MODEL),
    ("groq", (403,), "model_permission_blocked_project", _MODEL),
    # docs.fireworks.ai/guides/inference-error-codes: a suspended account.
    ("fireworks", (412,), None, _KEY),
    # docs.together.ai/docs/error-codes: input plus max_tokens is above the context length.
    ("together", (403,), None, _CONTEXT),
    # openrouter.ai/docs/api_reference/errors-and-debugging: 403 is moderation where metadata has
    # reasons; 402 from this source passes by itself.
    ("openrouter", (403,), "moderation", _FILTER),
    ("openrouter", (402,), "openrouter_in_flight_budget", _RATE),
    # litellm, proxy/_types.py, ProxyErrorTypes.
    ("litellm", (400, 401, 403, 429), "budget_exceeded", _QUOTA),
    ("litellm", (400, 401, 403), "key_model_access_denied", _MODEL),
    ("litellm", (400, 401, 403), "team_model_access_denied", _MODEL),
    ("litellm", (400, 401, 403), "user_model_access_denied", _MODEL),
    ("litellm", (400, 401, 403), "org_model_access_denied", _MODEL),
    ("litellm", (400, 401, 403), "project_model_access_denied", _MODEL),
    ("litellm", (400, 401, 403), "customer_model_access_denied", _MODEL),
    # A key that is not the master key, at a proxy without a database to look it up in.
    ("litellm", (400,), "no_db_connection", _KEY),
)

STATUS_OF_CODE: Final[Mapping[str, int]] = MappingProxyType(
    {
        # What an error inside a 200 would have been: platform.claude.com, api/errors.
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
        # openai, guides/error-codes.
        "context_length_exceeded": 400,
        "content_filter": 400,
        "insufficient_quota": 429,
        "rate_limit_exceeded": 429,
        "slow_down": 429,
        "server_error": 500,
        "server_is_overloaded": 503,
        # google/rpc/code.proto.
        "INVALID_ARGUMENT": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }
)

_MEANINGS: Final = {
    (provider, status, code): meaning
    for provider, statuses, code, meaning in _ROWS
    for status in statuses
}


def meaning_of(provider: str, status: int, codes: tuple[str, ...]) -> Meaning:
    """The meaning of a provider's status with the codes in its body, the most telling first."""
    keys = (
        *((provider, status, code) for code in codes),
        (provider, status, None),
        *((None, status, code) for code in codes),
        (None, status, None),
    )
    for key in keys:
        meaning = _MEANINGS.get(key)
        if meaning is not None:
            return meaning
    return _DOWN if status >= 500 else _REQUEST
