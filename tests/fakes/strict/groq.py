"""What Groq refuses of a chat completion."""

from __future__ import annotations

from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_text,
    content_is_given,
    efforts,
    no_empty_calls,
    no_fields,
    only_call_fields,
    only_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.openai import DOCUMENTED
from tests.fakes.strict.rule import Rule

_DOCS: Final = "console.groq.com/docs/openai: will result in a 400 error"
_PARAMS: Final = "groq-python, types/chat/completion_create_params.py"

RULES: Final[tuple[Rule, ...]] = (
    only_fields(
        "fanenr/chatbot issue 21: property 'store' is unsupported; " + _PARAMS,
        DOCUMENTED
        - {"audio", "modalities", "moderation", "prediction", "verbosity", "web_search_options"}
        - {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
        - {"safety_identifier"},
    ),
    no_fields(_DOCS, ("logprobs", "logit_bias", "top_logprobs", "store", "metadata")),
    only_roles(_PARAMS, ("system", "user", "assistant", "tool", "function")),
    only_message_fields(
        "janhq/jan issue 8136: reasoning_content; karthink/gptel issue 774: reasoning; "
        "ServiceStack/llms issue 17: timestamp; console.groq.com/docs/openai: name",
        {
            "system": ("content",),
            "user": ("content",),
            "assistant": ("content", "tool_calls", "function_call"),
            "tool": ("content", "tool_call_id"),
        },
    ),
    only_part_fields("groq-python, types/chat", {"text": ("text",), "image_url": ("image_url",)}),
    only_tool_fields("groq-python, types/chat/chat_completion_tool_param.py"),
    only_call_fields("groq-python, types/chat/chat_completion_message_tool_call_param.py"),
    arguments_are_text("groq-python, types/chat/chat_completion_message_tool_call_param.py"),
    no_empty_calls("groq-python, types/chat/chat_completion_assistant_message_param.py"),
    content_is_given("groq-python, chat_completion_assistant_message_param.py: required unless"),
    efforts("console.groq.com/docs/reasoning", r"gpt-oss", ("low", "medium", "high")),
    efforts("console.groq.com/docs/reasoning", r"qwen3", ("none", "default")),
    efforts("console.groq.com/docs/reasoning", r"llama|kimi", ()),
)
