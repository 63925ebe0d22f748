"""The operator's own LiteLLM proxy, which calls other providers for the platform."""

from __future__ import annotations

from typing import Final

from shared.wire.history.rules import OPENAIS_FIELDS, MessageRules
from shared.wire.provider import ANTHROPIC, CostReport, Provider
from shared.wire.quirks import CACHE_HINTS, Quirks
from shared.wire.refusal_rows import KEY, MODEL, QUOTA, Refused

_DENIED: Final = (400, 401, 403)

PROVIDER: Final = Provider(
    slug="litellm",
    # In no stream's head: there its `include_cost_in_streaming_usage` puts the cost into usage.cost
    # (litellm issue 13264).
    cost_header=b"x-litellm-response-cost",
    # docs.litellm.ai/docs/completion/token_usage: tokens at the prices of its own map.
    cost_report=CostReport.CALCULATION,
    # It maps either name of max_tokens to what the model behind it takes
    # (docs.litellm.ai/docs/completion/input), so its caller's choice stays.
    quirks=Quirks(
        # It takes its own orders from the body under the operator's key (litellm, proxy/
        # litellm_pre_call_utils.py; metadata is one), so it is sent OpenAI's documented fields and
        # no other: openai-python, types/chat/completion_create_params.py.
        only=frozenset(
            {
                *("messages", "model", "audio", "frequency_penalty", "function_call", "functions"),
                *("logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "modalities"),
                *("n", "parallel_tool_calls", "prediction", "presence_penalty"),
                *("reasoning_effort", "response_format", "safety_identifier", "seed"),
                *("service_tier", "stop", "store", "stream", "stream_options", "temperature"),
                *("tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity"),
                "web_search_options",
            }
        )
        | CACHE_HINTS,
        # docs.litellm.ai/docs/reasoning_content: signed thoughts go back to Claude alone.
        messages=MessageRules(
            assistant=OPENAIS_FIELDS,
            thinking_blocks_of="claude",
            signs_as=ANTHROPIC,
            takes_cache_control=True,
        ),
    ),
    refusals=(
        # litellm, proxy/_types.py, ProxyErrorTypes.
        Refused((400, 401, 403, 429), "budget_exceeded", QUOTA),
        Refused(_DENIED, "key_model_access_denied", MODEL),
        Refused(_DENIED, "team_model_access_denied", MODEL),
        Refused(_DENIED, "user_model_access_denied", MODEL),
        Refused(_DENIED, "org_model_access_denied", MODEL),
        Refused(_DENIED, "project_model_access_denied", MODEL),
        Refused(_DENIED, "customer_model_access_denied", MODEL),
        # A key that is not the master key, at a proxy without a database to look it up in.
        Refused((400,), "no_db_connection", KEY),
    ),
)
