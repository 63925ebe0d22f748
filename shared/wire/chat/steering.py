"""Fields by which a caller would steer a proxy that stands between us and a model: to another
model, another account, another price. They go to nobody.

Sources: litellm, types/router.py, proxy/litellm_pre_call_utils.py and main.py (completion);
openrouter.ai/docs/features/presets and /features/model-routing.
"""

from __future__ import annotations

from typing import Final

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
