"""A stream of chat completion chunks as the events of a response."""

from __future__ import annotations

from typing import Final

from shared.wire.chat.chunk import Chunk
from shared.wire.chat.request import ChatRequest
from shared.wire.chat.retold import Retold
from shared.wire.dialect import OpenReading
from shared.wire.parse.lenient import read_text
from shared.wire.parse.objects import Fields
from shared.wire.responses.response import open_writer, say, thoughts_as, usage_object

_COMMENT: Final = b": keep-alive\n\n"


class ChatAsResponse(Retold):
    """What `chat` reads of a provider's stream, in the words of Responses."""

    def __init__(self, chat: OpenReading, request: ChatRequest, created: int) -> None:
        super().__init__(chat)
        self._writer = open_writer(request, created)
        self._thoughts = thoughts_as(request)
        self._prompt_tokens = request.prompt.tokens
        self._reason: str | None = None

    @property
    def next_number(self) -> int:
        return self._writer.next_number

    def failed(self, error: Fields) -> Fields:
        """The response as far as it came."""
        return self._writer.failed(error)

    def end(self, metadata: bytes) -> bytes:
        """What is left to send: the rest, and the last event with its usage and `metadata`."""
        out = self._rest() + self._writer.begin("", self.model or "")
        reason = self._reason or ("tool_calls" if self._writer.calls_tools else "stop")
        usage = usage_object(self.counts, self._prompt_tokens, self.delivered_tokens())
        return out + self._writer.end(reason, usage, metadata)

    def _comment(self) -> bytes:
        return _COMMENT if self._writer.has_begun else b""

    def _retell(self, chunk: Chunk) -> bytes:
        out = self._writer.begin(read_text(chunk.id), chunk.model or "")
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._reason = choice.finish_reason or self._reason
                out += say(self._writer, choice.said, self._thoughts)
        return out
