"""Chat completion chunks, written piece by piece (openai-python, types/chat/
chat_completion_chunk.py); the fields for thinking are those that answer.py names."""

from __future__ import annotations

import msgspec

from shared.wire.chat.answer import splice
from shared.wire.chat.usage import usage_object
from shared.wire.messages.stop_reason import StopDetails, finish_reason
from shared.wire.parse.lenient import read_text
from shared.wire.parse.sse import DONE, data_event
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts

_encode = msgspec.json.Encoder().encode


class ChunkWriter:
    """`said`: text, thinking, calls and their input, as far as they are written. `has_begun`: the
    first chunk, which names the role, is out."""

    def __init__(self, created: int) -> None:
        self.has_begun = False
        self.said = Pieces()
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

    def text(self, text: msgspec.Raw) -> bytes:
        """`text` and its like are raw JSON: half a surrogate pair goes on as it came."""
        self._count(text)
        return self._chunk({"content": text})

    def thinking(self, text: msgspec.Raw) -> bytes:
        self._count(text)
        return self._chunk({"reasoning_content": text})

    def thinking_block(self, block: msgspec.Raw) -> bytes:
        return self._chunk({"thinking_blocks": [block]})

    def next_tool_index(self) -> int:
        self._tool_calls += 1
        return self._tool_calls - 1

    def tool_call(self, index: int, call_id: str, name: str) -> bytes:
        self.said.add(name)
        call = {"index": index, "id": call_id, "type": "function"}
        return self._chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})

    def arguments(self, index: int, piece: msgspec.Raw) -> bytes:
        self._count(piece)
        return self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def end(
        self,
        stop_reason: str | None,
        stop_details: StopDetails | None,
        counts: Counts | None,
        metadata: bytes,
    ) -> bytes:
        """The last chunks: the finish, the counts where they are to be shown, and [DONE]; the last
        one before [DONE] bears `metadata`."""
        delta: dict[str, object] = {}
        if stop_reason == "refusal" and stop_details is not None and stop_details.explanation:
            delta["refusal"] = stop_details.explanation
        reason = "tool_calls" if stop_reason is None and self._tool_calls else None
        finish = self._json(delta, _encode(reason or finish_reason(stop_reason)))
        head = self.begin()
        if counts is None:
            return head + data_event(splice(finish, metadata)) + DONE
        shown = b'%b,"choices":[],"usage":%b}' % (self._head, _encode(usage_object(counts)))
        return head + data_event(finish) + data_event(splice(shown, metadata)) + DONE

    def _count(self, text: msgspec.Raw) -> None:
        self.said.add(read_text(text))

    def _chunk(self, delta: dict[str, object]) -> bytes:
        return data_event(self._json(delta, b"null"))

    def _json(self, delta: dict[str, object], reason: bytes) -> bytes:
        return b'%b,"choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]}' % (
            self._head,
            _encode(delta),
            reason,
        )
