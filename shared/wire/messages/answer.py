"""anthropic -> openai: a message answered as JSON, as a chat completion.

Sources: anthropic-sdk-python, types/message.py and types/{text,thinking,redacted_thinking,
tool_use}_block.py; openai-python, types/chat/chat_completion.py. `reasoning_content` is the field
of DeepSeek and vLLM for thinking text; `thinking_blocks`, LiteLLM's, carries the signed blocks that
a client has to send back beside tool results ("Extended thinking").
"""

from __future__ import annotations

import msgspec

from shared.wire.chat.answer import Completion
from shared.wire.chat.usage import usage_object
from shared.wire.messages.stop_reason import StopDetails, finish_reason
from shared.wire.messages.usage import (
    ReportedUsage,
    normalize,
    read_reported,
    service_tier,
)

_ABSENT = msgspec.Raw()


class _Message(msgspec.Struct, frozen=True):
    type: str
    id: str
    model: str
    content: list[msgspec.Raw]
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: msgspec.Raw = _ABSENT


class _Kind(msgspec.Struct, frozen=True):
    type: str


class _Text(msgspec.Struct, frozen=True):
    text: str


class _Thinking(msgspec.Struct, frozen=True):
    thinking: str


class _ToolUse(msgspec.Struct, frozen=True):
    id: str
    name: str
    input: msgspec.Raw


_message = msgspec.json.Decoder(_Message)
_kind = msgspec.json.Decoder(_Kind)
_text = msgspec.json.Decoder(_Text)
_thinking = msgspec.json.Decoder(_Thinking)
_tool_use = msgspec.json.Decoder(_ToolUse)
_encode = msgspec.json.Encoder().encode


class _Said:
    """What the content blocks come to; blocks of server tools and of kinds to come are left out."""

    def __init__(self, blocks: list[msgspec.Raw]) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.thinking_blocks: list[msgspec.Raw] = []
        self.tool_calls: list[dict[str, object]] = []
        for raw in blocks:
            self._add(_kind.decode(raw).type, raw)

    def _add(self, kind: str, raw: msgspec.Raw) -> None:
        if kind == "text":
            self.texts.append(_text.decode(raw).text)
        elif kind == "tool_use":
            self.tool_calls.append(_tool_call(_tool_use.decode(raw)))
        elif kind == "thinking":
            self.thoughts.append(_thinking.decode(raw).thinking)
            self.thinking_blocks.append(raw)
        elif kind == "redacted_thinking":
            self.thinking_blocks.append(raw)


def read_completion(body: bytes, *, created: int) -> Completion:
    """The completion that a message is. `created`: seconds since 1970, as Anthropic sends none.

    Raises ValueError where the body is no message: not JSON, of another shape, or an error.
    """
    try:
        message = _message.decode(body)
        if message.type != "message":
            raise ValueError("not a message")
        said = _Said(message.content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("not a message of the Messages API") from error
    reported = read_reported(message.usage)
    return _completion(message, said, reported, created)


def _completion(
    message: _Message, said: _Said, reported: ReportedUsage | None, created: int
) -> Completion:
    usage = normalize(reported)
    tier = service_tier(reported)
    shown: dict[str, object] = {
        "id": message.id,
        "object": "chat.completion",
        "created": created,
        "model": message.model,
        "choices": [
            {
                "index": 0,
                "message": _openai_message(message, said),
                "logprobs": None,
                "finish_reason": finish_reason(message.stop_reason),
            }
        ],
    }
    if usage is not None:
        shown["usage"] = usage_object(usage)
    if tier is not None:
        shown["service_tier"] = tier
    return Completion(_encode(shown), message.model, tier, usage)


def _openai_message(message: _Message, said: _Said) -> dict[str, object]:
    details = message.stop_details if message.stop_reason == "refusal" else None
    shown: dict[str, object] = {
        "role": "assistant",
        "content": "".join(said.texts) if said.texts or not said.tool_calls else None,
        "refusal": details.explanation if details is not None else None,
    }
    if said.thoughts:
        shown["reasoning_content"] = "".join(said.thoughts)
    if said.thinking_blocks:
        shown["thinking_blocks"] = said.thinking_blocks
    if said.tool_calls:
        shown["tool_calls"] = said.tool_calls
    return shown


def _tool_call(call: _ToolUse) -> dict[str, object]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": bytes(call.input).decode()},
    }
