"""A stream of chat completion chunks as the events of a message.

The reverse of shared/wire/messages/events.py; sources: those named there.
"""

from __future__ import annotations

import msgspec

from shared.wire.chat.chunk import Chunk, Said
from shared.wire.chat.retold import Retold
from shared.wire.chat.said import (
    arguments_in,
    index_of,
    object_in,
    objects_in,
    texts_in,
    thought_of,
)
from shared.wire.dialect import OpenReading
from shared.wire.messages.door.event_writer import TEXT, THINKING, EventWriter
from shared.wire.messages.door.message import STOP_REASONS, usage_object
from shared.wire.messages.door.named import PING
from shared.wire.parse.lenient import ABSENT, encode, is_nothing, read_text


class ChatAsMessage(Retold):
    """What `chat` reads of a provider's stream, in Anthropic's words; its interface is the same."""

    def __init__(self, chat: OpenReading, prompt_tokens: int) -> None:
        """`prompt_tokens`: the estimate, until the provider says how many it counted."""
        super().__init__(chat)
        self._writer = EventWriter(prompt_tokens)
        self._prompt_tokens = prompt_tokens
        self._reason: str | None = None

    def end(self, metadata: bytes) -> bytes:
        """What is left to send: the rest, message_delta with its usage and `metadata`, the stop."""
        out = self._rest()
        out += self._writer.begin("", self.model or "")
        reason = self._reason or ("tool_calls" if self._writer.calls_tools else "stop")
        said = self._chat.delivered_tokens()
        usage = usage_object(self.counts, self._prompt_tokens, said)
        return out + self._writer.end(STOP_REASONS.get(reason, "end_turn"), usage, metadata)

    def _comment(self) -> bytes:
        return PING if self._writer.has_begun else b""

    def _retell(self, chunk: Chunk) -> bytes:
        out = self._writer.begin(read_text(chunk.id), chunk.model or "")
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._reason = choice.finish_reason or self._reason
                out += self._said(choice.said)
        return out

    def _said(self, said: Said) -> bytes:
        out: list[bytes] = []
        thoughts = thought_of(said)
        out += [self._writer.say(THINKING, text) for text in thoughts]
        for block in objects_in(said.get("thinking_blocks", ABSENT)):
            out.append(self._thinking_block(block, is_said=bool(thoughts)))
        for name in ("content", "refusal"):
            out += [self._writer.say(TEXT, text) for text in texts_in(said.get(name, ABSENT))]
        out += map(self._call, objects_in(said.get("tool_calls", ABSENT)))
        return b"".join(out)

    def _thinking_block(self, block: dict[str, msgspec.Raw], *, is_said: bool) -> bytes:
        """One of Claude's, in LiteLLM's field: piece by piece, or whole behind its text."""
        if read_text(block.get("type", ABSENT)) == "redacted_thinking":
            return self._writer.whole(msgspec.Raw(encode(block)))
        signature = block.get("signature", ABSENT)
        is_signed = not is_nothing(signature)
        out = b""
        if not is_said and not (is_signed and self._writer.is_thinking):
            for text in texts_in(block.get("thinking", ABSENT)):
                out += self._writer.say(THINKING, text)
        if is_signed and self._writer.is_thinking:
            out += self._writer.sign(signature)
        return out

    def _call(self, call: dict[str, msgspec.Raw]) -> bytes:
        function = object_in(call.get("function", ABSENT))
        arguments = arguments_in(function)
        return self._writer.call(
            index_of(call),
            read_text(call.get("id", ABSENT)),
            read_text(function.get("name", ABSENT)),
            msgspec.Raw(encode(arguments)) if arguments else None,
        )
