"""Fields by which a caller would steer a proxy that stands between us and a model: to another
model, another account, another price. They go to nobody.

Sources: litellm, types/router.py, proxy/litellm_pre_call_utils.py and main.py (completion);
openrouter.ai/docs/features/presets and /features/model-routing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.errors import InvalidField

NEVER_SENT: Final = frozenset(
    {
        *("fallbacks", "context_window_fallbacks", "context_window_fallback_dict"),
        *("content_policy_fallbacks", "default_fallbacks", "disable_fallbacks", "fallback_depth"),
        *("model_list", "user_config", "router_settings_override", "proxy_server_request"),
        *("num_retries", "max_retries", "retry_policy", "retry_strategy", "cooldown_time"),
        *("tags", "guardrails", "guardrail_config", "policies", "cache", "caching", "no-log"),
        *("secret_fields", "user_api_key_dict", "allowed_model_region", "preset", "route"),
    }
)
_BEGINNINGS: Final = ("litellm_", "mock_", "aws_", "vertex_", "azure_")


def steers_a_proxy(field: str) -> bool:
    return field in NEVER_SENT or field.startswith(_BEGINNINGS)


STEERING_FIELDS: Final = frozenset(
    {
        "api_base",
        "base_url",
        "api_key",
        "api_version",
        "extra_headers",
        "custom_host",
        "custom_llm_provider",
        "callbacks",
        "organization",
    }
)
"""Fields with which other gateways let a caller redirect a request (CVE-2024-6587 and its kin)."""


def refuse_steering(fields: Iterable[str]) -> None:
    """Raises InvalidField for one of STEERING_FIELDS."""
    if STEERING_FIELDS.isdisjoint(fields):
        return
    name = next(iter(STEERING_FIELDS.intersection(fields)))
    raise InvalidField(
        f"'{name}' is not accepted: where a request goes is the operator's choice.",
        param=name,
        code="field_refused",
    )
