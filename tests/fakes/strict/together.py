"""What Together refuses of a chat completion."""

from __future__ import annotations

from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_objects,
    content_is_given,
    efforts,
    no_empty_calls,
    no_fields,
    only_call_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.rule import Rule

_PARAMS: Final = "together-python, types/chat/completion_create_params.py"
_INPUT: Final = "mozilla-ai/any-llm issue 714: 400, Input validation error"

RULES: Final[tuple[Rule, ...]] = (
    no_fields(_PARAMS + " does not have it", ("max_completion_tokens", "store", "metadata")),
    only_roles(_PARAMS, ("system", "user", "assistant", "tool", "function")),
    only_message_fields(
        _INPUT + "; " + _PARAMS,
        {
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": ("content", "name", "tool_calls", "function_call"),
            "tool": ("content", "name", "tool_call_id"),
        },
    ),
    only_part_fields(
        _PARAMS,
        {
            "text": ("text",),
            "image_url": ("image_url",),
            "video_url": ("video_url",),
            "audio_url": ("audio_url",),
            "input_audio": ("input_audio",),
        },
    ),
    only_tool_fields(_PARAMS),
    only_call_fields(_PARAMS, ("id", "type", "function", "index")),
    arguments_are_objects(
        "vllm-project/vllm issue 43995, whose chat templates read arguments as an object"
    ),
    no_empty_calls(_INPUT),
    content_is_given("livekit/agents issue 1297: expected a string, got null"),
    efforts(_PARAMS + ": low, medium, high", r".", ("low", "medium", "high")),
)
