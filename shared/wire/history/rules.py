"""What a provider takes of a conversation that another one began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class IdRule(msgspec.Struct, frozen=True):
    """The ids of calls that a provider takes: of these characters, so many of them.

    `characters` is the inside of a character class. `is_unique`: not twice in a conversation.
    """

    characters: str = r"\s\S"
    least: int = 1
    most: int = 1000
    is_unique: bool = False


OPENAIS_FIELDS: Final = frozenset(
    {"role", "content", "name", "refusal", "audio", "tool_calls", "function_call"}
)
"""Of an assistant's message: openai-python, chat_completion_assistant_message_param.py."""


class MessageRules(msgspec.Struct, frozen=True, kw_only=True):
    """`assistant`: the fields of an assistant's message that the provider knows; others are those
    that another provider added. `thoughts`: the one of them that takes the text of thoughts,
    whichever name it came under. `others`: the fields of all other messages; None: as they came.
    `dropped`: fields that no message may have. `odd_in_names`: a pattern of what a name may not
    have. `signature`: the `extra_content` of a call of another model, for the thought signature
    that it lacks. `thinking_blocks_of`: thinking blocks go only to models with this in their id,
    and only those that `signs_as` signed. `thoughts_asked_by`: a pattern of the ids of models that
    answer 400 to a call without its thoughts.

    `knows_developer`: else its messages are the system's. `takes_cache_control`: Anthropic's mark.
    `takes_thoughts_as_parts`: of the content. `reads_arguments`: what is not the text of a JSON
    object is put into one. `joins_text`: parts that are all text become one text.
    """

    assistant: frozenset[str]
    thoughts: str | None = None
    others: frozenset[str] | None = None
    dropped: frozenset[str] = frozenset()
    odd_in_names: str | None = None
    call_ids: IdRule | None = None
    signature: Mapping[str, object] | None = None
    thinking_blocks_of: str | None = None
    signs_as: str = ""
    thoughts_asked_by: str | None = None
    knows_developer: bool = False
    takes_cache_control: bool = False
    takes_thoughts_as_parts: bool = False
    reads_arguments: bool = True
    joins_text: bool = False


COMPATIBLE_MESSAGES: Final = MessageRules(
    # reasoning_content is read by DeepSeek (api-docs.deepseek.com, guides/thinking_mode), vLLM and
    # llama.cpp. Content as parts is refused by DeepSeek (BerriAI/litellm issue 6642), broken
    # arguments by vLLM (vllm-project/vllm issue 43995), developer by many (earendil-works/pi
    # issue 1048).
    assistant=frozenset({"role", "content", "name", "prefix", "tool_calls", "reasoning_content"}),
    thoughts="reasoning_content",
    # "The `reasoning_content` in the thinking mode must be passed back" (DeepSeek,
    # api-docs.deepseek.com/guides/thinking_mode; NousResearch/hermes-agent issue 15353, with Kimi).
    thoughts_asked_by="deepseek|kimi",
    joins_text=True,
)
