"""Chat completion chunks, written piece by piece (openai-python, types/chat/
chat_completion_chunk.py); the fields for thinking are those that answer.py names."""

from __future__ import annotations

import msgspec

from shared.wire.chat.answer import splice
from shared.wire.chat.usage import usage_object
from shared.wire.messages.stop_reason import StopDetails, finish_reason
from shared.wire.sse import DONE, data_event
from shared.wire.usage import Usage

_encode = msgspec.json.Encoder().encode


class OpenBlock:
    """A content block between its start and its stop."""

    def __init__(self, kind: str, *, data: str, input: bytes) -> None:
        self.kind = kind
        self.tool_index: int | None = None
        self.has_input = False
        self.thoughts: list[str] = []
        self.signature = ""
        self._data = data
        self._input = input

    @property
    def whole_input(self) -> str:
        """The input of a tool call that came with the block's start, or an empty object."""
        return self._input.decode() if self._input not in (b"", b"null") else "{}"

    @property
    def thinking_block(self) -> dict[str, str] | None:
        """The block as it has to come back in the next request, if it is one of thinking."""
        if self.kind == "thinking" and self.signature:
            thought = "".join(self.thoughts)
            return {"type": self.kind, "thinking": thought, "signature": self.signature}
        if self.kind == "redacted_thinking":
            return {"type": self.kind, "data": self._data}
        return None


class ChunkWriter:
    """`text_bytes`: UTF-8 bytes of text, thinking and tool input written so far. `has_begun`: the
    first chunk, which names the role, is out."""

    def __init__(self, created: int) -> None:
        self.has_begun = False
        self.text_bytes = 0
        self._created = created
        self._tool_calls = 0
        self._head = b""
        self.name("", "")

    def name(self, message_id: str, model: str) -> None:
        """The id and the model that every chunk from here on bears."""
        head = {
            "id": message_id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model,
        }
        self._head = _encode(head)[:-1]

    def begin(self) -> bytes:
        """The chunk that names the role, once; later nothing."""
        if self.has_begun:
            return b""
        self.has_begun = True
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        self._count(text)
        return self._chunk({"content": text})

    def thinking(self, text: str) -> bytes:
        self._count(text)
        return self._chunk({"reasoning_content": text})

    def thinking_block(self, block: dict[str, str]) -> bytes:
        return self._chunk({"thinking_blocks": [block]})

    def next_tool_index(self) -> int:
        self._tool_calls += 1
        return self._tool_calls - 1

    def tool_call(self, index: int, call_id: str, name: str) -> bytes:
        call = {"index": index, "id": call_id, "type": "function"}
        return self._chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})

    def arguments(self, index: int, piece: str) -> bytes:
        self._count(piece)
        return self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def end(
        self,
        stop_reason: str | None,
        stop_details: StopDetails | None,
        usage: Usage | None,
        metadata: bytes,
    ) -> bytes:
        """The last chunks: the finish, the usage where it is to be shown, and [DONE]; the last one
        before [DONE] bears `metadata`."""
        delta: dict[str, object] = {}
        if stop_reason == "refusal" and stop_details is not None and stop_details.explanation:
            delta["refusal"] = stop_details.explanation
        finish = self._json(delta, _encode(finish_reason(stop_reason)))
        head = self.begin()
        if usage is None:
            return head + data_event(splice(finish, metadata)) + DONE
        shown = b'%b,"choices":[],"usage":%b}' % (self._head, _encode(usage_object(usage)))
        return head + data_event(finish) + data_event(splice(shown, metadata)) + DONE

    def _count(self, text: str) -> None:
        self.text_bytes += len(text.encode())

    def _chunk(self, delta: dict[str, object]) -> bytes:
        return data_event(self._json(delta, b"null"))

    def _json(self, delta: dict[str, object], reason: bytes) -> bytes:
        return b'%b,"choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]}' % (
            self._head,
            _encode(delta),
            reason,
        )
