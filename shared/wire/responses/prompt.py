"""How long the prompt of a Responses request is, in tokens, and what is in it beside text. Pure.

Counted by the rules of shared/wire/chat/prompt.py, as the messages that the items would be there.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat import prompt as chat
from shared.wire.chat.prompt import Message, Prompt
from shared.wire.history.fields import text_of

Items = str | list[dict[str, msgspec.Raw]]

_ANSWERED: Final = frozenset({"function_call", "custom_tool_call", "reasoning"})
_ASSISTANT: Final = "assistant"
_TEXTS: Final = ("name", "arguments", "input")
_content: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | list[msgspec.Raw] | None)


def read_prompt(instructions: str | None, items: Items, schemas: list[bytes]) -> Prompt:
    """`schemas`: tools and the like, as JSON. An item that is not understood counts as text."""
    messages = [Message("system", instructions)] if instructions else []
    if isinstance(items, str):
        messages.append(Message("user", items))
        return chat.read_prompt(messages, schemas)
    for item in items:
        message = _message_of(item)
        last = messages[-1] if messages else None
        if last is not None and last.role == message.role == _ASSISTANT:
            messages[-1] = Message(_ASSISTANT, [*_parts(last), *_parts(message)])
        else:
            messages.append(message)
    return chat.read_prompt(messages, schemas)


def _message_of(item: dict[str, msgspec.Raw]) -> Message:
    kind, role = text_of(item.get("type")), text_of(item.get("role"))
    if kind in (None, "message") and role is not None:
        return Message(role, _decoded(item.get("content")))
    if kind in ("function_call_output", "custom_tool_call_output"):
        return Message("tool", _decoded(item.get("output")))
    if kind == "reasoning":
        content = _decoded(item.get("content")) or _decoded(item.get("summary"))
        return Message(_ASSISTANT, content)
    if kind in _ANSWERED:
        return Message(_ASSISTANT, "\n".join(filter(None, (text_of(item.get(n)) for n in _TEXTS))))
    return Message("user", msgspec.json.encode(item).decode())


def _decoded(raw: msgspec.Raw | None) -> str | list[msgspec.Raw] | None:
    try:
        return _content.decode(raw) if raw else None
    except msgspec.DecodeError:
        return bytes(raw or b"").decode()


def _parts(message: Message) -> list[msgspec.Raw]:
    content = message.content
    if content is None:
        return []
    if isinstance(content, str):
        return [msgspec.Raw(msgspec.json.encode({"type": "text", "text": content}))]
    return content
