"""OpenAI's messages as Anthropic's `system` and `messages`.

Sources: platform.claude.com, "OpenAI SDK compatibility" (system and developer messages are hoisted
to the front), "Messages" (turns of one role in a row are one turn), "Handle tool calls" (the
tool_result blocks of one assistant turn come in one user turn, before its text), "Extended
thinking" (thinking blocks go back unmodified, before the rest of their turn).
"""

from __future__ import annotations

import re
import zlib

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import decode_field
from shared.wire.messages.content import (
    ABSENT,
    Block,
    Content,
    content_blocks,
    is_given,
    mark_cached,
    text_block,
)
from shared.wire.translated import Drops, refused_content


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class _ToolCall(msgspec.Struct, frozen=True):
    id: str
    type: str = "function"
    function: _Function | None = None
    cache_control: msgspec.Raw = ABSENT


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: Content = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    thinking_blocks: list[msgspec.Raw] | None = None
    cache_control: msgspec.Raw = ABSENT


_READ = frozenset(_Message.__struct_fields__)
_HINTS = frozenset({"name", "annotations", "reasoning", "reasoning_content", "reasoning_details"})
"""Fields of a message that its meaning does not hang on: a speaker's name, and what an answer
carried back from the model ("OpenAI SDK compatibility": `name` is ignored)."""

_messages = msgspec.json.Decoder(list[_Message])
_named = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])

_ODD_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")


class Conversation(msgspec.Struct, frozen=True):
    """`system` may be empty; `turns` alternate and are not."""

    system: list[Block]
    turns: list[Block]


def translate_messages(raw: msgspec.Raw, drops: Drops) -> Conversation:
    """Raises InvalidField: a field or a part without counterpart, or nothing but system prompts."""
    messages = decode_field("messages", raw, _messages)
    _check_fields(raw, drops)
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if message.role in ("system", "developer"):
            system += _system_blocks(message, place, drops)
            continue
        role, blocks = _turn(message, place, drops)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    if not turns:
        raise InvalidField(
            "'messages' has no text for the model to answer: add a user message.", param="messages"
        )
    return Conversation(
        system, [{"role": role, "content": _results_first(blocks)} for role, blocks in turns]
    )


def _check_fields(raw: msgspec.Raw, drops: Drops) -> None:
    """Name each field of a message that is not sent on."""
    for index, fields in enumerate(_named.decode(raw)):
        if fields.keys() <= _READ:
            continue
        for name, value in fields.items():
            if name in _READ or not is_given(value) or bytes(value) == b"[]":
                continue
            full = f"messages[{index}].{name}"
            if name in _HINTS:
                drops.leave_out(full)
            else:
                drops.refuse(full, "Anthropic has no such field in a message")


def _system_blocks(message: _Message, place: str, drops: Drops) -> list[Block]:
    blocks = content_blocks(message.content, f"{place}.content", drops)
    if any(block["type"] != "text" for block in blocks):
        raise refused_content(f"{place}.content", "Anthropic's system prompt is text alone")
    return _marked(blocks, message)


def _turn(message: _Message, place: str, drops: Drops) -> tuple[str, list[Block]]:
    if message.role == "tool":
        return "user", [_tool_result(message, place, drops)]
    blocks = content_blocks(message.content, f"{place}.content", drops)
    if message.role == "user":
        return "user", _marked(blocks, message)
    if message.role != "assistant":
        raise InvalidField(
            f"'{place}.role' must be system, developer, user, assistant or tool.",
            param=f"{place}.role",
        )
    if message.refusal and message.refusal.strip():
        blocks.append(text_block(message.refusal))
    calls = [
        _tool_use(call, f"{place}.tool_calls[{index}]")
        for index, call in enumerate(message.tool_calls or ())
    ]
    said: list[Block] = _marked(blocks + calls, message)
    return "assistant", [*_thinking(message, place), *said]


def _thinking(message: _Message, place: str) -> list[Block]:
    """Thinking blocks as the reply gave them (reply.py, stream.py), in LiteLLM's field."""
    blocks: list[Block] = []
    for index, raw in enumerate(message.thinking_blocks or ()):
        block = dict(decode_field(f"{place}.thinking_blocks[{index}]", raw, _object))
        if bytes(block.get("type", ABSENT)) not in (b'"thinking"', b'"redacted_thinking"'):
            raise refused_content(f"{place}.thinking_blocks[{index}]", "It is no thinking block")
        blocks.append({**block})
    return blocks


def _marked(blocks: list[Block], message: _Message) -> list[Block]:
    """A breakpoint on the message itself goes to its last block (where there is one)."""
    if blocks:
        mark_cached(blocks[-1], message.cache_control)
    return blocks


def _tool_use(call: _ToolCall, place: str) -> Block:
    if call.type != "function" or call.function is None:
        raise refused_content(place, "Anthropic takes calls of functions alone")
    block: Block = {
        "type": "tool_use",
        "id": tool_use_id(call.id),
        "name": call.function.name,
        "input": _arguments(call.function.arguments, f"{place}.function.arguments"),
    }
    mark_cached(block, call.cache_control)
    return block


def _arguments(text: str, place: str) -> dict[str, msgspec.Raw]:
    if not text.strip():
        return {}
    try:
        return _object.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused_content(place, "A call's arguments must be a JSON object as text") from error


def _tool_result(message: _Message, place: str, drops: Drops) -> Block:
    if message.tool_call_id is None:
        raise InvalidField(
            f"'{place}.tool_call_id' is missing: name the call that this is the result of.",
            param=f"{place}.tool_call_id",
            code="missing_required_parameter",
        )
    block: Block = {"type": "tool_result", "tool_use_id": tool_use_id(message.tool_call_id)}
    content = content_blocks(message.content, f"{place}.content", drops)
    if content:
        block["content"] = content
    mark_cached(block, message.cache_control)
    return block


def _results_first(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def tool_use_id(call_id: str) -> str:
    """`call_id` in the characters Anthropic takes (`^[a-zA-Z0-9_-]+$`), the same for the same id.

    A conversation that another provider began may carry other characters; the checksum keeps ids
    apart that differ in those alone.
    """
    plain = _ODD_IN_ID.sub("_", call_id)
    return plain if plain == call_id and plain else f"{plain}_{zlib.crc32(call_id.encode()):08x}"
