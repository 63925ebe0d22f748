"""openai -> anthropic: a chat completion request as a request of the Messages API.

Sources: anthropic-sdk-python, types/message_create_params.py; platform.claude.com, "Versions"
(2023-06-01 is the version that still takes temperature; 2026-10-21 answers 400 to it).
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.chat.request import ChatRequest, encode_fields
from shared.wire.messages.content import Block
from shared.wire.messages.conversation import Conversation, translate_messages
from shared.wire.messages.parameters import translate_parameters
from shared.wire.messages.sampling import translate_sampling
from shared.wire.messages.tools import stub_tools, translate_tools
from shared.wire.messages.versions import Abilities, abilities_of
from shared.wire.provider import ANTHROPIC
from shared.wire.translated import Drops, Sending, Translated

PATH: Final = "/messages"
"""Behind a base URL that ends in /v1."""

CHECK_PATH: Final = "/models"
"""Free (anthropic-sdk-python, resources/models.py)."""

DEFAULT_MAX_TOKENS: Final = 8192
"""Of a model whose limit nobody knows: the least that a limit may be (anthropic-sdk-python,
_constants.py, MODEL_NONSTREAMING_TOKENS)."""

VERSION: Final = b"anthropic-version: 2023-06-01\r\n"


_LIMITS: Final = ("max_completion_tokens", "max_tokens")


class _Thinking(msgspec.Struct, frozen=True):
    type: str = ""
    budget_tokens: int | None = None


def write_request(chat: ChatRequest, to: Sending, *, provider: str = ANTHROPIC) -> Translated:
    """The body for `to.model_id`; the defaults go in only where the client sent none (0 stays 0).
    `provider`: the slug of who gets it.

    Raises InvalidField, `param` naming the field: one that would change the answer and cannot be
    honored, unless the client sent `drop_params: true`; or content that has no counterpart.
    """
    drops = to.drops(chat)
    abilities = abilities_of(to.model_id)
    messages = chat.fields["messages"]
    conversation = translate_messages(messages, to.model_id, abilities, drops, provider)
    max_tokens = _max_tokens(chat, to, abilities, drops)
    sent: Block = {
        "model": to.model_id,
        "max_tokens": max_tokens,
        "messages": conversation.turns,
    }
    if conversation.system:
        sent["system"] = conversation.system
    sent.update(translate_tools(chat.fields, drops) or stub_tools(conversation.called))
    sent.update(translate_sampling(chat.fields, to, abilities, drops))
    sent.update(translate_parameters(chat.fields, abilities, drops))
    _check_thinking(sent, conversation, drops)
    if chat.stream:
        sent["stream"] = True
    return Translated(encode_fields(sent), drops.names, max_tokens=max_tokens)


def _max_tokens(chat: ChatRequest, to: Sending, abilities: Abilities, drops: Drops) -> int:
    """What the client set, or all that the model can answer where that is less, and then named;
    else the level's default, else all that the model can answer.

    OpenAI's API has no limit by default, and max_tokens is required here. A thinking budget comes
    on top of a level's default, as it must be less (types/thinking_config_enabled_param.py).
    """
    limit = to.output_limit or abilities.output_limit
    if chat.max_tokens is not None:
        if limit is None or chat.max_tokens <= limit:
            return chat.max_tokens
        drops.leave_out(next(name for name in _LIMITS if name in chat.fields))
        return limit
    if to.max_tokens is None:
        return limit or DEFAULT_MAX_TOKENS
    thinking = _thinking(chat.fields.get("thinking"))
    budget = thinking.budget_tokens if thinking else None
    return to.max_tokens if budget is None else to.max_tokens + max(0, budget)


def _check_thinking(sent: Block, conversation: Conversation, drops: Drops) -> None:
    """Leave manual thinking out where the calls in progress are of a model that showed none.

    "Expected `thinking` or `redacted_thinking`, but found `tool_use`" is the answer otherwise
    ("Extended thinking": the last assistant turn must begin with a thinking block).
    """
    thinking = _thinking(sent.get("thinking"))
    if thinking is not None and thinking.type == "enabled" and conversation.calls_unthinking:
        del sent["thinking"]
        drops.leave_out("thinking")


def _thinking(raw: object) -> _Thinking | None:
    if not isinstance(raw, msgspec.Raw):
        return None
    try:
        return msgspec.json.decode(raw, type=_Thinking | None)
    except msgspec.DecodeError:
        return None  # the provider says what is wrong with it
