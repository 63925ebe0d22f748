"""What a refusal's status and code mean: the meanings there are, and the rows that hold everywhere.

A provider whose status means what it means everywhere has no row of its own for it: Together's 402
(spending limit) and 503 (overload), Fireworks' 503, Anthropic's 402 and 529, OpenRouter's 502 and
503, Google's 402 (prepayment spent).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from shared.errors import (
    ContentFiltered,
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


class Meaning(msgspec.Struct, frozen=True):
    """The error a row stands for; `text` may hold {provider} and {status}."""

    kind: type[UpstreamError]
    text: str


KEY: Final = Meaning(ProviderRejectedKey, "{provider} refused the API key.")
QUOTA: Final = Meaning(ProviderQuotaExhausted, "The key's account at {provider} has no credit.")
RATE: Final = Meaning(ProviderRateLimited, "{provider} answered that the rate limit is reached.")
TIMEOUT: Final = Meaning(ProviderTimeout, "{provider} gave up on the request in time.")
DOWN: Final = Meaning(ProviderUnavailable, "{provider} answered {status}.")
PAGE: Final = Meaning(ProviderUnavailable, "{provider} answered {status} with a web page.")
REDIRECT: Final = Meaning(
    ProviderUnavailable,
    "{provider} answered with a redirect ({status}), which is not followed: its base URL has to be"
    " corrected by the operator.",
)
BROKEN: Final = Meaning(
    ProviderUnavailable, "{provider} answered with something else than an answer."
)
DENIED: Final = Meaning(
    ProviderDeniedModel, "{provider} does not let this API key use this model ({status})."
)
LACKS: Final = Meaning(ProviderLacksFeature, "{provider} refused the request ({status}).")
MODEL: Final = Meaning(UnknownUpstreamModel, "{provider} does not know this model.")
CONTEXT: Final = Meaning(ContextTooLong, "The messages are longer than the model's context window.")
FILTER: Final = Meaning(ContentFiltered, "{provider}'s content filter refused the request.")
REQUEST: Final = Meaning(ProviderRefusedRequest, "{provider} refused the request ({status}).")


class Refused(msgspec.Struct, frozen=True):
    """What these statuses mean with `code` in the body, or, where it is None, with any or none."""

    statuses: tuple[int, ...]
    code: str | None
    meaning: Meaning


_BAD_REQUEST: Final = (400, 413, 422)
_NOT_THE_CALLERS: Final = (405, 406, 407, 409, 410, 411, 415, 417, 421, 423, 424, 425, 426, 428)
"""We choose method, headers, encoding and address: where these are wrong, no caller can help it."""

_NO_CREDIT: Final = (
    # OpenAI, guides/error-codes: "inspect error.code" to tell quota from rate.
    *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"),
    "credit_balance_exhausted",
    "exceeded_current_quota_error",  # Moonshot: MoonshotAI/kimi-code pull request 1857
    # DashScope: help.aliyun.com, dashscope/return-status-code-description; alibabacloud.com,
    # model-studio/error-code.
    *("Arrearage", "AllocationQuota.FreeTierOnly"),
    "AccountOverdueError",  # Volcengine: volcengine.com, docs/82379/1299023
    # new-api and its like: popjane/free_chatgpt_api issue 78.
    *("insufficient_user_quota", "pre_consume_token_quota_failed"),
    # modelscope/modelscope issue 1691, Wei-Shaw/sub2api issue 890, veniceai/api-docs pull request
    # 149.
    *("insufficient_balance_error", "insufficient_balance", "INSUFFICIENT_BALANCE"),
)
_FILTERED: Final = (
    *("content_filter", "content_policy_violation"),
    *("DataInspectionFailed", "data_inspection_failed"),  # DashScope
    "SensitiveContentDetected",  # Volcengine
    "1301",  # Zhipu
    *("1026", "1027"),  # MiniMax
)

EVERYWHERE: Final = (
    Refused((401,), None, KEY),
    # Only a code says that it is the key: a 403 is also a model that the key may not use, a region,
    # or a firewall.
    Refused((403,), None, DENIED),
    Refused((403,), "invalid_api_key", KEY),
    Refused((403,), "account_deactivated", KEY),
    Refused((403,), "authentication_error", KEY),
    Refused((403,), "UNAUTHENTICATED", KEY),
    Refused(_NOT_THE_CALLERS, None, DOWN),
    Refused((402,), None, QUOTA),
    Refused((404,), None, MODEL),
    Refused((429,), None, RATE),
    # 524: Cloudflare's timeout, which OpenRouter documents (EdgeNetworkTimeoutResponse).
    Refused((408, 504, 524), None, TIMEOUT),
    *(Refused((429, 403, *_BAD_REQUEST), code, QUOTA) for code in _NO_CREDIT),
    Refused((429,), "1113", QUOTA),  # Zhipu: docs.z.ai, api-reference/api-code
    Refused((403,), "30001", QUOTA),  # SiliconFlow: docs.siliconflow.cn, faqs/error-code
    *(Refused(_BAD_REQUEST, code, FILTER) for code in _FILTERED),
    Refused(_BAD_REQUEST, "context_length_exceeded", CONTEXT),
    Refused((400,), "1261", CONTEXT),  # Zhipu
    # A project without access to a model gets 403 with this code.
    Refused((400, 403), "model_not_found", MODEL),
    # llama.cpp, tools/server/server-common.cpp: ERROR_TYPE_EXCEED_CONTEXT_SIZE.
    Refused(_BAD_REQUEST, "exceed_context_size_error", CONTEXT),
    # What one provider does not know or support and another may. OpenAI, in a recorded refusal each
    # (appatalks/eva-agent issue 83, spring-projects/spring-ai issue 2969).
    *(
        Refused(_BAD_REQUEST, code, LACKS)
        for code in (
            *("unsupported_parameter", "unknown_parameter", "unsupported_value"),
            *("unsupported_field", "unknown_field", "unsupported_feature", "unsupported_tool"),
            *("unsupported_content_type", "unsupported_content_part", "unsupported_media_type"),
            *("invalid_function_parameters", "invalid_json_schema", "unsupported_schema"),
            # pydantic's kinds of fault, which Mistral and FastAPI pass on (docs.pydantic.dev,
            # errors/validation_errors): an extra field, an unknown part, role or value.
            *("extra_forbidden", "union_tag_invalid", "literal_error", "enum"),
            # litellm, exceptions.py.
            "UnsupportedParamsError",
        )
    ),
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
        "invalid_api_key": 401,
        "model_not_found": 404,
        "insufficient_quota": 429,
        "rate_limit_exceeded": 429,
        "slow_down": 429,
        "server_error": 500,
        "server_is_overloaded": 503,
        # MiniMax, whose errors are answers of status 200: platform.minimax.io, api-reference/
        # errorcode.
        "1001": 504,
        "1002": 429,
        "1004": 401,
        "1008": 402,
        "1013": 500,
        "1026": 400,
        "1027": 400,
        "1039": 429,
        "2013": 400,
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
