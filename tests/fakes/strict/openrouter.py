"""What OpenRouter, or the provider that it chose, refuses of a chat completion."""

from __future__ import annotations

from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_objects,
    call_ids,
    content_is_given,
    efforts,
    every_call_is_answered,
    no_empty_calls,
    only_call_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.rule import Rule

_SCHEMA: Final = "openrouter.ai/docs/api-reference/overview, Request schema"
_REASONING: Final = "openrouter.ai/docs/use-cases/reasoning-tokens"

RULES: Final[tuple[Rule, ...]] = (
    only_roles(
        "earendil-works/pi issue 5117: Qwen's hosts know no developer role; " + _SCHEMA,
        ("system", "user", "assistant", "tool"),
    ),
    only_message_fields(
        _SCHEMA + "; " + _REASONING,
        {
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": (
                *("content", "name", "tool_calls", "refusal", "images", "annotations"),
                *("reasoning", "reasoning_content", "reasoning_details"),
            ),
            "tool": ("content", "tool_call_id", "name"),
        },
    ),
    only_part_fields(
        _SCHEMA,
        {
            "text": ("text", "cache_control"),
            "image_url": ("image_url",),
            "input_audio": ("input_audio",),
            "file": ("file",),
            "video_url": ("video_url",),
        },
    ),
    only_tool_fields(_SCHEMA, ("type", "function", "cache_control")),
    only_call_fields(_SCHEMA),
    call_ids("openclaw/openclaw pull request 875: OpenRouter to OpenAI, 40", r".{1,40}"),
    arguments_are_objects("anthropic-sdk-python, tool_use_block_param.py, behind OpenRouter"),
    no_empty_calls(_SCHEMA),
    every_call_is_answered("editor-code-assistant/eca issue 209, Claude behind OpenRouter"),
    content_is_given(_SCHEMA),
    efforts(_REASONING, r".", ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
)
