"""Together."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.history.rules import MessageRules
from shared.wire.limit_headers import LimitKind, headers_by_start
from shared.wire.provider import Provider, Seed
from shared.wire.quirks import CACHE_HINTS, CLAUDES_OWN, OPENAIS_OWN, TO_MAX_TOKENS, Quirks, Version
from shared.wire.refusal_rows import CONTEXT, Refused

PROVIDER: Final = Provider(
    slug="together",
    seed=Seed(
        id=6,
        name="Together",
        base_url="https://api.together.ai/v1",
        litellm_prefix="together_ai",
        api_key_format="",
        documentation_url="https://docs.together.ai",
        pricing_url="https://www.together.ai/pricing",
        status_page_url="https://status.together.ai",
    ),
    level_defaults={
        "eco": "zai-org/GLM-5.3-Flash",
        "balanced": "deepseek-ai/DeepSeek-V4.1-Flash",
        "precision": "zai-org/GLM-5.3",
    },
    # docs.together.ai gave this one until 2025, so older rows have it.
    other_hosts=frozenset({"api.together.xyz"}),
    key_pattern=r"tgp_v1_[\w-]{40,}|[0-9a-f]{64}",
    # together-python, types/chat/completion_create_params.py knows max_tokens alone.
    quirks=Quirks(
        renamed=TO_MAX_TOKENS,
        dropped=frozenset({"safety_identifier", "verbosity", "prediction"})
        | CACHE_HINTS
        | OPENAIS_OWN
        | CLAUDES_OWN,
        # The same types, and "Input validation error" for others (mozilla-ai/any-llm issue 714).
        messages=MessageRules(
            assistant=frozenset({"role", "content", "name", "tool_calls", "function_call"}),
            joins_text=True,
        ),
        versions=(Version(pattern="", efforts=("low", "medium", "high")),),
    ),
    refusals=(
        # docs.together.ai/docs/error-codes: input plus max_tokens is above the context length.
        Refused((403,), None, CONTEXT),
    ),
    # docs.together.ai/docs/rate-limits: seconds.
    limit_headers=(
        headers_by_start(LimitKind.REQUESTS, None, "x-ratelimit"),
        headers_by_start(LimitKind.TOKENS, None, "x-tokenlimit"),
    ),
    sold_here=re.compile(r"^[\w.-]+/"),
)
