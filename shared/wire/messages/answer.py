"""anthropic -> openai: a message answered as JSON, as a chat completion.

Sources: anthropic-sdk-python, types/message.py and types/{text,thinking,redacted_thinking,
tool_use}_block.py; openai-python, types/chat/chat_completion.py. `reasoning_content` is the field
of DeepSeek and vLLM for thinking text; `thinking_blocks`, LiteLLM's, carries the signed blocks that
a client has to send back beside tool results ("Extended thinking").
"""

from __future__ import annotations

import msgspec

from shared.wire.chat.answer import Completion, NotAnAnswer
from shared.wire.chat.usage import usage_object
from shared.wire.history.signatures import signed
from shared.wire.messages.block import Block
from shared.wire.messages.stop_reason import StopDetails, finish_reason
from shared.wire.messages.usage import normalize, read_usage
from shared.wire.parse.lenient import (
    ABSENT,
    NotJSON,
    check_utf8,
    encode,
    is_nothing,
    read_json,
    read_text,
)
from shared.wire.provider import ANTHROPIC
from shared.wire.usage import Counts


class _Message(msgspec.Struct, frozen=True):
    """`content` is a list of blocks; as a text it is read too."""

    type: str = ""
    id: str = ""
    model: str | None = None
    content: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_message = msgspec.json.Decoder(_Message)
_blocks = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_block = msgspec.json.Decoder(Block)


class _Said:
    """What the content blocks come to; blocks of server tools and of kinds to come are left out."""

    def __init__(self, content: msgspec.Raw, provider: str) -> None:
        self._provider = provider
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.thinking_blocks: list[msgspec.Raw] = []
        self.tool_calls: list[dict[str, object]] = []
        kind = bytes(content)[:1]
        if kind == b'"':
            self.texts.append(read_text(content))
        for raw in read_json(_blocks, content) if kind == b"[" else ():
            self._add(read_json(_block, raw), raw)

    @property
    def has_content(self) -> bool:
        return any(self.texts) or bool(self.tool_calls or self.thinking_blocks)

    def _add(self, block: Block, raw: msgspec.Raw) -> None:
        if block.type == "text":
            self.texts.append(read_text(block.text))
        elif block.type == "tool_use":
            self.tool_calls.append(_tool_call(block))
        elif block.type == "thinking":
            self.thoughts.append(read_text(block.thinking))
            self.thinking_blocks.append(signed(raw, self._provider))
        elif block.type == "redacted_thinking":
            self.thinking_blocks.append(signed(raw, self._provider))


def read_completion(body: bytes, *, created: int, provider: str = ANTHROPIC) -> Completion:
    """The completion that a message is. `created`: seconds since 1970, as Anthropic sends none.
    `provider`: the slug of who sent it.

    Raises NotAnAnswer where the body is no message: not JSON, an error, or without content. A
    message may be empty where Claude says why it stopped ("Handling stop reasons").
    """
    message, said, counts, tier = _read(body, provider)
    return _completion(message, said, counts, tier, created)


def read_message(body: bytes) -> Completion:
    """The same of a message that goes out as it came."""
    message, _, counts, tier = _read(body, ANTHROPIC)
    return Completion(body, message.model, tier, counts)


def _read(body: bytes, provider: str) -> tuple[_Message, _Said, Counts | None, str | None]:
    try:
        check_utf8(body)
        message = read_json(_message, body)
        if message.type == "error" or not is_nothing(message.error):
            raise NotAnAnswer("not a message but an error", body)
        said = _Said(message.content, provider)
    except NotJSON as error:
        raise NotAnAnswer("not a message of the Messages API", body) from error
    counts, tier = read_usage(message.usage)
    took = counts is not None and counts.completion_tokens
    if not (said.has_content or message.stop_reason or took):
        raise NotAnAnswer("not a message: it has no content", body)
    return message, said, normalize(counts), tier


def _completion(
    message: _Message, said: _Said, counts: Counts | None, tier: str | None, created: int
) -> Completion:
    shown: dict[str, object] = {
        "id": message.id,
        "object": "chat.completion",
        "created": created,
        "model": message.model or "",
        "choices": [
            {
                "index": 0,
                "message": _openai_message(message, said),
                "logprobs": None,
                "finish_reason": _reason(message, said),
            }
        ],
    }
    if counts is not None and counts.is_whole:
        shown["usage"] = usage_object(counts)
    if tier is not None:
        shown["service_tier"] = tier
    return Completion(encode(shown), message.model, tier, counts)


def _reason(message: _Message, said: _Said) -> str:
    if not message.stop_reason and said.tool_calls:
        return "tool_calls"
    return finish_reason(message.stop_reason)


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


def _tool_call(call: Block) -> dict[str, object]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
