"""A Messages request to a provider that speaks Messages itself: bytes through.

The model's name is changed and our own fields are taken out; system, tools and messages go out byte
for byte, so that prompt caches, signed thoughts, citations and server tools keep working.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.answer import Completion
from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.history.fields import Fields, objects, one_object, raw, text_of
from shared.wire.messages.answer import read_message
from shared.wire.messages.door.request import MessagesRequest
from shared.wire.messages.versions import abilities_of
from shared.wire.messages.write import DEFAULT_MAX_TOKENS
from shared.wire.translated import Drops, Sending, Translated

SAMPLING: Final = ("temperature", "top_p", "top_k")
_DEFAULT: Final = frozenset({b"1", b"1.0", b"null"})
"""Of temperature and top_p; a version that takes no sampling takes it."""

_THINKING: Final = b'"thinking"'


def write_request(chat: ChatRequest, to: Sending) -> Translated:
    """The body for `to.model_id`, and the caller's version and betas.

    `max_tokens`, which is required there, is the level's default or all that the model can answer
    where the caller sent none. Of a model that the caller did not name, sampling that its version
    does not take is left out and named, and a longer answer than it can give is not asked for.
    """
    fields = dict(chat.fields)
    fields["model"] = raw_json(to.model_id)
    drops = to.drops(chat)
    abilities = abilities_of(to.model_id)
    limit = to.output_limit or abilities.output_limit
    max_tokens = chat.max_tokens or to.max_tokens or limit or DEFAULT_MAX_TOKENS
    if chat.max_tokens is not None and not to.is_named and limit is not None:
        max_tokens = min(limit, chat.max_tokens)
        if max_tokens < chat.max_tokens:
            drops.leave_out("max_tokens")
    if max_tokens != chat.max_tokens:
        fields["max_tokens"] = raw_json(max_tokens)
    if not to.is_named and not abilities.samples:
        for name in SAMPLING:
            if name in fields and bytes(fields.pop(name)) not in _DEFAULT:
                drops.leave_out(name)
    if _THINKING in bytes(fields["messages"]):
        fields["messages"] = _signed(fields["messages"], drops)
    head = chat.head if isinstance(chat, MessagesRequest) else b""
    return Translated(encode_fields(fields), drops.names, head, max_tokens)


def read_answer(body: bytes, *, created: int) -> Completion:
    """Raises NotAnAnswer where the body is no message."""
    return read_message(body)


def _signed(messages: msgspec.Raw, drops: Drops) -> msgspec.Raw:
    """Without the thoughts of another provider's model, which bear no signature of Claude's.

    The same object where there are none: no byte of a history of Claude's own is moved.
    """
    turns = objects.decode(messages)
    changed = False
    for index, turn in enumerate(turns):
        content = turn.get("content", msgspec.Raw())
        if bytes(content)[:1] != b"[" or _THINKING not in bytes(content):
            continue
        blocks: list[Any] = msgspec.json.decode(content, type=list[msgspec.Raw])
        kept: list[Any] = []
        for place, block in enumerate(blocks):
            if _is_unsigned(one_object.decode(block)):
                drops.leave_out(f"messages[{index}].content[{place}]")
            else:
                kept.append(block)
        if len(kept) < len(blocks):
            changed = True
            turn["content"] = raw(kept)
    if not changed:
        return messages
    return raw([turn for turn in turns if bytes(turn.get("content", msgspec.Raw())) != b"[]"])


def _is_unsigned(block: Fields) -> bool:
    return text_of(block.get("type")) == "thinking" and not text_of(block.get("signature"))
