"""openai -> anthropic: a chat completion request as a request of the Messages API.

Sources: anthropic-sdk-python, types/message_create_params.py; platform.claude.com, "Versions"
(2023-06-01 is the version that still takes temperature; 2026-10-21 answers 400 to it).
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.chat.request import ChatRequest, encode_fields
from shared.wire.messages.content import Block
from shared.wire.messages.conversation import translate_messages
from shared.wire.messages.parameters import translate_parameters
from shared.wire.messages.sampling import translate_sampling
from shared.wire.messages.tools import translate_tools
from shared.wire.translated import Drops, Translated

PATH: Final = "/messages"
"""Behind a base URL that ends in /v1."""

CHECK_PATH: Final = "/models"
"""Free (anthropic-sdk-python, resources/models.py)."""

DEFAULT_MAX_TOKENS: Final = 8192
"""Where neither client nor power level says: max_tokens is required here, and this is the least
that a model's limit may be (anthropic-sdk-python, _constants.py, MODEL_NONSTREAMING_TOKENS)."""

VERSION: Final = b"anthropic-version: 2023-06-01\r\n"


class _Thinking(msgspec.Struct, frozen=True):
    budget_tokens: int | None = None


def write_request(
    chat: ChatRequest,
    model_id: str,
    *,
    max_tokens: int | None = None,
    temperature: float | None = None,
) -> Translated:
    """The body for `model_id`; the defaults go in only where the client sent none (0 stays 0).

    Raises InvalidField, `param` naming the field: one that would change the answer and cannot be
    honored, unless the client sent `drop_params: true`; or content that has no counterpart.
    """
    drops = Drops(may_drop=chat.drop_params)
    conversation = translate_messages(chat.fields["messages"], drops)
    sent: Block = {
        "model": model_id,
        "max_tokens": _max_tokens(chat, max_tokens),
        "messages": conversation.turns,
    }
    if conversation.system:
        sent["system"] = conversation.system
    sent.update(translate_tools(chat.fields, drops))
    sent.update(translate_sampling(chat.fields, model_id, temperature, drops))
    sent.update(translate_parameters(chat.fields, drops))
    if chat.stream:
        sent["stream"] = True
    return Translated(encode_fields(sent), drops.names)


def _max_tokens(chat: ChatRequest, default: int | None) -> int:
    """What the client set; else the default, with a thinking budget on top.

    budget_tokens must be less than max_tokens (types/thinking_config_enabled_param.py).
    """
    if chat.max_tokens is not None:
        return chat.max_tokens
    limit = DEFAULT_MAX_TOKENS if default is None else default
    raw = chat.fields.get("thinking")
    if raw is None:
        return limit
    try:
        thinking = msgspec.json.decode(raw, type=_Thinking | None)
    except msgspec.DecodeError:
        return limit  # the provider says what is wrong with it
    budget = thinking.budget_tokens if thinking else None
    return limit if budget is None else limit + max(0, budget)
