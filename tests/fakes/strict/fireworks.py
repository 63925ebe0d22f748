"""What Fireworks refuses of a chat completion."""

from __future__ import annotations

from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_objects,
    content_is_given,
    efforts,
    no_empty_calls,
    only_call_fields,
    only_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.openai import DOCUMENTED
from tests.fakes.strict.rule import Rule

_EXTRA: Final = "theopenco/llmgateway pull request 3274: Extra inputs are not permitted, field"
_REFERENCE: Final = "docs.fireworks.ai/api-reference/post-chatcompletions"

RULES: Final[tuple[Rule, ...]] = (
    only_fields(
        "web-infra-dev/midscene issue 1322: Extra inputs are not permitted; " + _REFERENCE,
        DOCUMENTED
        - {"audio", "modalities", "moderation", "store", "verbosity", "web_search_options"}
        - {"prompt_cache_options", "prompt_cache_retention"}
        | {"top_k", "min_p", "thinking", "reasoning_history", "prompt_cache_isolation_key"},
    ),
    only_roles(_REFERENCE, ("system", "user", "assistant", "tool")),
    only_message_fields(
        _EXTRA + "; maximhq/bifrost issue 2405: reasoning in the history",
        {
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": ("content", "name", "tool_calls", "function_call", "reasoning_content"),
            "tool": ("content", "name", "tool_call_id"),
        },
    ),
    only_part_fields(_EXTRA, {"text": ("text",), "image_url": ("image_url",)}),
    only_tool_fields(_EXTRA),
    only_call_fields(_EXTRA, ("id", "type", "function", "index")),
    arguments_are_objects(
        "vllm-project/vllm issue 43995, whose chat templates read arguments as an object"
    ),
    no_empty_calls(_REFERENCE),
    content_is_given(_REFERENCE + ": content is required unless there are tool_calls"),
    efforts(
        "theopenco/llmgateway pull request 3274: minimal is refused",
        r"kimi|deepseek",
        ("none", "low", "medium", "high", "xhigh", "max"),
    ),
    efforts("docs.fireworks.ai/guides/reasoning", r"glm-5", ("none", "high", "max")),
)
