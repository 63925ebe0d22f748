"""Fireworks."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.history.rules import MessageRules
from shared.wire.limit_headers import LimitKind, Window, headers_by_end
from shared.wire.provider import Provider, Seed
from shared.wire.quirks import OPENAIS_OWN, Quirks, Version
from shared.wire.refusal_rows import KEY, Refused

PROVIDER: Final = Provider(
    slug="fireworks",
    seed=Seed(
        id=5,
        name="Fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        litellm_prefix="fireworks_ai",
        api_key_format="fw_",
        documentation_url="https://docs.fireworks.ai",
        pricing_url="https://fireworks.ai/pricing",
        status_page_url="https://status.fireworks.ai",
    ),
    level_defaults={
        "eco": "accounts/fireworks/models/glm-5p3-flash",
        "balanced": "accounts/fireworks/models/deepseek-v4p1-flash",
        "precision": "accounts/fireworks/models/glm-5p3",
    },
    key_pattern=r"fw_\w{20,}",
    # Both names of max_tokens are known. "Streaming responses include usage in the final chunk",
    # asked for or not (docs.fireworks.ai/tools-sdks/migrate-to-fireworks).
    # An unknown field is refused, "Extra inputs are not permitted": the effort minimal and unknown
    # fields of messages too (theopenco/llmgateway pull request 3274).
    quirks=Quirks(
        dropped=frozenset(
            {"verbosity", "cache_control", "prompt_cache_options", "prompt_cache_retention"}
        )
        | OPENAIS_OWN,
        messages=MessageRules(
            # maximhq/bifrost issue 2405 (reasoning is refused); docs.fireworks.ai/guides/reasoning
            # (reasoning_content goes back).
            assistant=frozenset(
                {"role", "content", "name", "tool_calls", "function_call", "reasoning_content"}
            ),
            thoughts="reasoning_content",
        ),
        versions=(
            Version(pattern="glm-5", efforts=("none", "high", "max")),
            Version(pattern="", efforts=("none", "low", "medium", "high", "xhigh", "max")),
        ),
    ),
    refusals=(
        # docs.fireworks.ai/guides/inference-error-codes: a suspended account.
        Refused((412,), None, KEY),
    ),
    # docs.fireworks.ai/serverless/rate-limits: by the minute, no reset.
    limit_headers=(
        headers_by_end(LimitKind.INPUT_TOKENS, Window.MINUTE, "tokens-prompt"),
        headers_by_end(LimitKind.OUTPUT_TOKENS, Window.MINUTE, "tokens-generated"),
    ),
    model_id_prefix="accounts/fireworks/models/",
    sold_here=re.compile(r"^accounts/"),
)
