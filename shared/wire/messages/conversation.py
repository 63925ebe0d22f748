"""OpenAI's messages as Anthropic's `system` and `messages`.

Sources: platform.claude.com, "OpenAI SDK compatibility" (system and developer messages are hoisted
to the front), "Messages" (turns of one role in a row are one turn), "Handle tool calls" (the
tool_result blocks of one assistant turn come in one user turn, before its text), "Extended
thinking" (thinking blocks go back unmodified, before the rest of their turn), "Errors" (prefill not
supported).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import decode_field
from shared.wire.history.calls import NO_RESULT
from shared.wire.history.fields import objects, one_object, raw
from shared.wire.history.images import relabel_images
from shared.wire.history.messages import fit_all
from shared.wire.history.rules import IdRule, MessageRules
from shared.wire.history.signatures import take_signature
from shared.wire.messages.content import (
    ABSENT,
    Block,
    Content,
    content_blocks,
    is_given,
    mark_cached,
    text_block,
)
from shared.wire.messages.versions import Abilities
from shared.wire.translated import Drops, refused_content

CALL_IDS: Final = IdRule("a-zA-Z0-9_-", is_unique=True)
"""types/tool_use_block_param.py; anthropics/claude-code issue 20508."""

RULES: Final = MessageRules(
    assistant=frozenset(
        {"role", "content", "refusal", "tool_calls", "thinking_blocks", "cache_control"}
    ),
    others=frozenset({"role", "content", "tool_call_id", "cache_control"}),
    dropped=frozenset({"name"}),
    call_ids=CALL_IDS,
    knows_developer=True,
    takes_cache_control=True,
)
"""What Claude's turns are made from. Thoughts without a signature are left out, never sent as text:
"Refusal (reasoning_extraction)" is the answer to that (can1357/oh-my-pi issue 7241)."""

BEGIN: Final = "(The conversation begins.)"
"""The user's turn before an answer that comes first (livekit/agents pull request 669)."""

GO_ON: Final = "Continue from where you left off."
"""The user's turn that a model without prefill needs (migration guide of Claude Opus 4.6)."""


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


_message = msgspec.json.Decoder(_Message)
_signed = ("thinking", "redacted_thinking")


class Conversation(msgspec.Struct, frozen=True):
    """`system` may be empty; `turns` alternate and are not. `called`: the tools of its calls.

    `calls_unthinking`: its last answer calls a tool, and shows no thought.
    """

    system: list[Block]
    turns: list[Block]
    called: tuple[str, ...] = ()
    calls_unthinking: bool = False


def translate_messages(
    messages: msgspec.Raw, model_id: str, abilities: Abilities, drops: Drops, provider: str
) -> Conversation:
    """Raises InvalidField: a part without counterpart, or nothing but system prompts. `provider`:
    whose signatures hold."""
    given = decode_field("messages", msgspec.Raw(relabel_images(bytes(messages))), objects)
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    called: list[str] = []
    for place, fields in fit_all(given, RULES, model_id, drops):
        message = decode_field(place, raw(fields), _message)
        if message.role in ("system", "developer"):
            system += _system_blocks(message, place, drops)
            continue
        called += [call.function.name for call in message.tool_calls or () if call.function]
        role, blocks = _turn(message, place, drops, provider)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    if not turns:
        raise InvalidField(
            "'messages' has no text for the model to answer: add a user message.", param="messages"
        )
    if turns[0][0] == "assistant":
        turns.insert(0, ("user", [text_block(BEGIN)]))
    _end(turns, abilities)
    answers = [blocks for role, blocks in turns if role == "assistant"]
    return Conversation(
        system,
        [{"role": role, "content": _results_first(blocks)} for role, blocks in turns],
        tuple(called),
        calls_unthinking=bool(answers) and _calls_unthinking(answers[-1]),
    )


def _calls_unthinking(blocks: list[Block]) -> bool:
    return blocks[0]["type"] not in _signed and blocks[-1]["type"] == "tool_use"


def _end(turns: list[tuple[str, list[Block]]], abilities: Abilities) -> None:
    """An answer that the model is to go on with ends in no white space (langchain-ai/langchain
    issue 35071); where the version takes no such answer at its end, the user asks for more."""
    role, blocks = turns[-1]
    if role != "assistant":
        return
    text: Any = blocks[-1].get("text")
    if isinstance(text, str):
        blocks[-1] = {**blocks[-1], "text": text.rstrip()}
    if not abilities.prefills:
        turns.append(("user", [text_block(GO_ON)]))


def _system_blocks(message: _Message, place: str, drops: Drops) -> list[Block]:
    blocks = content_blocks(message.content, f"{place}.content", drops)
    if any(block["type"] != "text" for block in blocks):
        raise refused_content(f"{place}.content", "Anthropic's system prompt is text alone")
    return _marked(blocks, message)


def _turn(message: _Message, place: str, drops: Drops, provider: str) -> tuple[str, list[Block]]:
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
    return "assistant", [*_thinking(message, place, drops, provider), *said]


def _thinking(message: _Message, place: str, drops: Drops, provider: str) -> list[Block]:
    """Thinking blocks as the reply gave them (answer.py, events.py), in LiteLLM's field; one that
    is not signed by this provider is none there."""
    blocks: list[Block] = []
    for index, given in enumerate(message.thinking_blocks or ()):
        block = dict(decode_field(f"{place}.thinking_blocks[{index}]", given, one_object))
        if not take_signature(block, f"{place}.thinking_blocks[{index}]", provider, drops):
            continue
        kind = bytes(block.get("type", ABSENT)).strip(b'"').decode()
        if kind not in _signed:
            raise refused_content(f"{place}.thinking_blocks[{index}]", "It is no thinking block")
        signature = block.get("signature", ABSENT)
        if kind == "redacted_thinking" or (is_given(signature) and bytes(signature) != b'""'):
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
        "id": call.id,
        "name": call.function.name,
        "input": one_object.decode(call.function.arguments),
    }
    mark_cached(block, call.cache_control)
    return block


def _tool_result(message: _Message, place: str, drops: Drops) -> Block:
    if message.tool_call_id is None:
        raise InvalidField(
            f"'{place}.tool_call_id' is missing: name the call that this is the result of.",
            param=f"{place}.tool_call_id",
            code="missing_required_parameter",
        )
    block: Block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    content = content_blocks(message.content, f"{place}.content", drops)
    if content:
        block["content"] = content
    if message.content == NO_RESULT:
        block["is_error"] = True
    mark_cached(block, message.cache_control)
    return block


def _results_first(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")
