"""A compatible server of one's own that takes what DeepSeek takes, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_objects,
    content_is_given,
    content_is_text,
    every_call_is_answered,
    no_empty_calls,
    no_fields,
    only_call_fields,
    only_message_fields,
    only_roles,
)
from tests.fakes.strict.rule import Body, Rule

_REFERENCE: Final = "api-docs.deepseek.com/api/create-chat-completion"
_SEQUENCE: Final = "BerriAI/litellm issue 6642: invalid type: sequence, expected a string"


def _calls_have_their_thoughts(body: Body) -> Iterator[str]:
    for place, message in enumerate(body["messages"]):
        if message.get("tool_calls") and not message.get("reasoning_content"):
            yield f"Missing `reasoning_content` in the assistant message at message index {place}"


RULES: Final[tuple[Rule, ...]] = (
    only_roles(
        "earendil-works/pi issue 1048: unknown variant `developer`",
        ("system", "user", "assistant", "tool"),
    ),
    only_message_fields(
        _REFERENCE,
        {
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": ("content", "name", "prefix", "reasoning_content", "tool_calls"),
            "tool": ("content", "tool_call_id"),
        },
    ),
    no_fields(_REFERENCE + " does not have it", ("max_completion_tokens", "metadata", "store")),
    Rule(
        "api-docs.deepseek.com/guides/thinking_mode; abhigyanpatwari/GitNexus issue 43",
        _calls_have_their_thoughts,
    ),
    only_call_fields(_REFERENCE),
    arguments_are_objects(
        "vllm-project/vllm issue 43995, whose chat templates read arguments as an object"
    ),
    no_empty_calls(_REFERENCE),
    content_is_text(_SEQUENCE, ("system", "assistant", "tool")),
    every_call_is_answered(_REFERENCE + ": insufficient tool messages following tool_calls"),
    content_is_given(_REFERENCE),
)
