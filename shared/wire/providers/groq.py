"""Groq."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from shared.wire.history.rules import MessageRules
from shared.wire.limit_headers import LimitKind, Window, headers_by_end
from shared.wire.provider import Provider, Seed
from shared.wire.quirks import (
    CACHE_HINTS,
    CLAUDES_OWN,
    EMPTY,
    OFF,
    ONE,
    OPENAIS_OWN,
    ZERO,
    Quirks,
    Version,
)
from shared.wire.refusal_rows import DOWN, LACKS, MODEL, RATE, Refused

PROVIDER: Final = Provider(
    slug="groq",
    seed=Seed(
        id=4,
        name="Groq",
        base_url="https://api.groq.com/openai/v1",
        litellm_prefix="groq",
        api_key_format="gsk_",
        documentation_url="https://console.groq.com/docs",
        pricing_url="https://groq.com/pricing",
        status_page_url="https://groqstatus.com",
        supports_vision=False,
    ),
    level_defaults={
        "eco": "openai/gpt-oss-20b",
        "balanced": "openai/gpt-oss-120b",
        "precision": "qwen/qwen3.8-27b",
    },
    key_pattern=r"gsk_\w{40,}",
    # groq-python, types/chat/chat_completion_content_part_param.py: text, images and JSON.
    takes_audio=False,
    takes_files=False,
    # console.groq.com/docs/compound: its searches and its code are charged beside tokens.
    priced_beside_tokens=re.compile("compound"),
    quirks=Quirks(
        # "The following fields are currently not supported and will result in a 400 error"
        # (console.groq.com/docs/openai): these, messages[].name and an n other than 1.
        refused=MappingProxyType(
            {"logprobs": OFF, "top_logprobs": ZERO, "logit_bias": EMPTY, "n": ONE}
        ),
        # store, metadata: "not currently supported" (groq-python, completion_create_params.py);
        # the others are unknown there.
        dropped=frozenset({"safety_identifier", "verbosity", "prediction"})
        | CACHE_HINTS
        | OPENAIS_OWN
        | CLAUDES_OWN,
        messages=MessageRules(
            # "property 'reasoning_content' is unsupported" (janhq/jan issue 8136), its own
            # `reasoning` too, but for some models (karthink/gptel issue 774).
            assistant=frozenset({"role", "content", "tool_calls", "function_call"}),
            dropped=frozenset({"name"}),
        ),
        # console.groq.com/docs/reasoning.
        versions=(
            Version(pattern="gpt-oss", efforts=("low", "medium", "high")),
            Version(pattern="qwen3", efforts=("none", "default")),
            Version(pattern="llama|kimi|gemma", efforts=()),
        ),
    ),
    refusals=(
        # console.groq.com/docs/errors: 498 is flex capacity. Its 413 with this code is a request
        # above the tokens a minute of this key, which another key or provider can serve.
        Refused((498,), None, DOWN),
        Refused((413,), "rate_limit_exceeded", RATE),
        # The model wrote a call or a JSON that does not parse: no fault of the request
        # (console.groq.com/docs/tool-use, sipeed/picoclaw issue 748; docs/structured-outputs).
        Refused((400,), "tool_use_failed", LACKS),
        Refused((400,), "json_validate_failed", LACKS),
        # console.groq.com/docs/deprecations and docs/model-permissions.
        Refused((400,), "model_decommissioned", MODEL),
        Refused((403,), "model_permission_blocked_org", MODEL),
        Refused((403,), "model_permission_blocked_project", MODEL),
    ),
    # console.groq.com/docs/models lists none.
    embeds=False,
    # console.groq.com/docs/rate-limits: requests are those of a day, tokens those of a minute.
    limit_headers=(
        headers_by_end(LimitKind.REQUESTS, Window.DAY, "requests"),
        headers_by_end(LimitKind.TOKENS, Window.MINUTE, "tokens"),
    ),
)
