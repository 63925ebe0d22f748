"""Google AI Studio, at its OpenAI-compatible endpoint; not Vertex."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shared.wire.provider import Provider, Seed
from shared.wire.quirks import ZERO, Quirks
from shared.wire.refusal_rows import KEY, QUOTA, Refused

PROVIDER: Final = Provider(
    slug="google",
    seed=Seed(
        id=3,
        name="Google",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        litellm_prefix="gemini",
        api_key_format="AIza",
        documentation_url="https://ai.google.dev/gemini-api/docs",
        pricing_url="https://ai.google.dev/gemini-api/docs/pricing",
        status_page_url="https://status.cloud.google.com",
    ),
    # AI Studio issues AQ. keys; AIza are the older ones (discuss.ai.google.dev, 170945).
    key_pattern=r"AIza[\w-]{35}|AQ\.[\w.-]{20,}",
    quirks=Quirks(
        # An unknown name is a 400, "Cannot find field": frequency_penalty (MinLL/
        # SkyrimNet-GamePlugin issue 77), store (liliMozi/openhanako issue 394). The other hints
        # are not in the list of ai.google.dev/api/compatibility.
        refused=MappingProxyType({"frequency_penalty": ZERO}),
        dropped=frozenset({"store", "metadata", "user", "prompt_cache_key", "safety_identifier"}),
    ),
    refusals=(
        # ai.google.dev/gemini-api/docs/troubleshooting: a bad key is a 400, by ErrorInfo.reason;
        # FAILED_PRECONDITION is a free tier where there is none, billing has to be switched on.
        Refused((400,), "API_KEY_INVALID", KEY),
        Refused((400,), "FAILED_PRECONDITION", QUOTA),
        # google/api/error_reason.proto: what says that it is the key, or the project behind it.
        *(
            Refused((403,), reason, KEY)
            for reason in (
                *("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED"),
                *("API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_ANDROID_APP_BLOCKED"),
                *("API_KEY_IOS_APP_BLOCKED", "SERVICE_DISABLED", "CONSUMER_SUSPENDED"),
                *("CONSUMER_INVALID", "ACCOUNT_STATE_INVALID"),
            )
        ),
        Refused((403,), "BILLING_DISABLED", QUOTA),
    ),
    # It sends none.
    limit_headers=(),
    # genai-prices lists Vertex's models here too.
    sold_here=("gemini-", "gemma-"),
    # openai/openai-python issue 2806, noho/dayu-agent issue 82.
    ends_calls_by_stop=True,
)
