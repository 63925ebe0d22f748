"""What OpenAI refuses of a chat completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_text,
    call_ids,
    content_is_given,
    efforts,
    every_call_is_answered,
    no_empty_calls,
    no_sampling,
    only_call_fields,
    only_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.rule import Body, Rule

_PARAMS: Final = "openai-python, types/chat/completion_create_params.py"
_MESSAGES: Final = "openai-python, types/chat/chat_completion_*_message_param.py"
_CHECKLIST: Final = "developers.openai.com/api/docs/guides/deployment-checklist"
_CALLS_UNTHINKING: Final = ("gpt-5.6", "gpt-6-luna", "gpt-6-sol")
_NO_SAMPLING: Final = r"^(o\d|gpt-5(-mini|-nano|-pro)?$|gpt-5\.[5-9]|gpt-6)"

DOCUMENTED: Final = frozenset(
    {
        *("messages", "model", "audio", "frequency_penalty", "function_call", "functions"),
        *("logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata"),
        *("modalities", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    }
)


def _tools_need_no_thinking(body: Body) -> Iterator[str]:
    has_such_tools = body["model"].startswith(_CALLS_UNTHINKING) and body.get("tools")
    if has_such_tools and body.get("reasoning_effort") != "none":
        yield f"Function tools with reasoning_effort are not supported for {body['model']}"


RULES: Final = (
    only_fields(_PARAMS + "; nashsu/llm_wiki issue 336: unrecognized request argument", DOCUMENTED),
    only_roles(_MESSAGES, ("developer", "system", "user", "assistant", "tool", "function")),
    only_message_fields(
        "openai/openai-node issue 1161; transitive-bullshit/agentic issue 531: additional "
        "properties are not allowed; " + _MESSAGES,
        {
            "developer": ("content", "name"),
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": ("content", "name", "audio", "function_call", "refusal", "tool_calls"),
            "tool": ("content", "tool_call_id"),
        },
    ),
    only_part_fields(
        "openai-python, types/chat/chat_completion_content_part_*_param.py",
        {
            "text": ("text",),
            "refusal": ("refusal",),
            "image_url": ("image_url",),
            "input_audio": ("input_audio",),
            "file": ("file",),
        },
    ),
    only_tool_fields("openai-python, types/chat/chat_completion_function_tool_param.py"),
    only_call_fields(
        "openai-python, types/chat/chat_completion_message_function_tool_call_param.py"
    ),
    call_ids("camel-ai/camel issue 2215: maximum length 40", r".{1,40}"),
    arguments_are_text("openai-python, chat_completion_message_function_tool_call_param.py"),
    no_empty_calls("openai-python, types/chat/chat_completion_assistant_message_param.py"),
    every_call_is_answered(
        "platform.openai.com, guides/function-calling: must be followed by tool messages "
        "responding to each tool_call_id"
    ),
    content_is_given(
        "livekit/agents issue 1297: expected a string, got null", refusal_will_do=True
    ),
    no_sampling(_CHECKLIST, _NO_SAMPLING, ("temperature", "top_p", "top_logprobs", "logprobs")),
    efforts(
        "coroot/coroot issue 698: unrecognized request argument supplied: reasoning_effort",
        r"^(gpt-4|gpt-3|chatgpt)",
        (),
    ),
    efforts(
        "apidog.com/blog/gpt-6-1-sol-api, after OpenAI's model page: none and minimal are refused",
        r"^(gpt-6\.1-sol|gpt-6-astra)",
        ("low", "medium", "high", "xhigh", "max"),
    ),
    efforts(
        "openai-python, types/shared/reasoning_effort.py: below gpt-5.1 there is no none",
        r"^(o\d)",
        ("low", "medium", "high"),
    ),
    Rule(_CHECKLIST + "; itzcrazykns/vane issue 1173", _tools_need_no_thinking),
)
