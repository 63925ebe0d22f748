"""The events of a message, written block by block.

Sources: platform.claude.com, "Streaming messages" (one block is open at a time, from its start over
its deltas to its stop); anthropic-sdk-python, types/raw_*_event.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from shared.wire.messages.door.named import event, last_events
from shared.wire.parse.lenient import NotJSON, encode, loads, read_text

TEXT: Final = "text"
THINKING: Final = "thinking"
_TOOL: Final = "tool_use"
_WHOLE: Final = "whole"
_DELTAS: Final = {
    TEXT: ("text_delta", "text"),
    THINKING: ("thinking_delta", "thinking"),
    _TOOL: ("input_json_delta", "partial_json"),
}


class _Block:
    """`start` is what its first event shows, empty once it is out; `waiting` are deltas unsent."""

    def __init__(self, kind: str, start: dict[str, object]) -> None:
        self.kind = kind
        self.start = start
        self.waiting: list[dict[str, object]] = []
        self._pieces: list[msgspec.Raw] = []

    def add(self, piece: msgspec.Raw) -> None:
        """`piece` is a raw JSON string."""
        kind, name = _DELTAS[self.kind]
        self._pieces.append(piece)
        self.waiting.append({"type": kind, name: piece})

    @property
    def may_start(self) -> bool:
        """Some servers name the tool of a call later than they begin it."""
        return self.kind != _TOOL or bool(self.start["name"])

    @property
    def is_whole(self) -> bool:
        """Whether nothing more can belong to it once another has begun."""
        if self.kind != _TOOL:
            return True
        try:
            loads("".join(map(read_text, self._pieces)).encode("utf-8", "surrogatepass"))
        except (NotJSON, UnicodeDecodeError):
            return False
        return True


class EventWriter:
    """The first of its blocks is open; those behind it wait until it is whole.

    Calls whose arguments come by turns are thus sent one after the other.
    """

    def __init__(self, prompt_tokens: int) -> None:
        self.has_begun = False
        self.calls_tools = False
        self._prompt_tokens = prompt_tokens
        self._blocks: list[_Block] = []
        self._calls: dict[int, _Block] = {}
        self._index = -1

    def begin(self, message_id: str, model: str) -> bytes:
        """message_start, once; later nothing. Its usage is an estimate, and none yet written."""
        if self.has_begun:
            return b""
        self.has_begun = True
        usage = {
            "input_tokens": self._prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        }
        message: dict[str, object] = {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return event("message_start", message=message)

    def say(self, kind: str, piece: msgspec.Raw) -> bytes:
        """A piece of TEXT or THINKING."""
        block = self._blocks[-1] if self._blocks else None
        if block is None or block.kind != kind:
            signature: dict[str, object] = {"signature": ""} if kind == THINKING else {}
            block = self._add(_Block(kind, {"type": kind, kind: "", **signature}))
        return self._write(block, piece)

    @property
    def is_thinking(self) -> bool:
        return bool(self._blocks) and self._blocks[-1].kind == THINKING

    def sign(self, signature: msgspec.Raw) -> bytes:
        """The signature of the thoughts that were said last."""
        self._blocks[-1].waiting.append({"type": "signature_delta", "signature": signature})
        return b"".join(self._advance())

    def whole(self, block: msgspec.Raw) -> bytes:
        """A block that came whole, such as one of thoughts that nobody may read."""
        self._add(_Block(_WHOLE, {_WHOLE: block}))
        return b"".join(self._advance())

    def call(self, index: int, call_id: str, name: str, piece: msgspec.Raw | None) -> bytes:
        """A piece of the arguments of a call; `index` tells one call from the others."""
        self.calls_tools = True
        block = self._calls.get(index)
        if block is None:
            start: dict[str, object] = {"type": _TOOL, "id": call_id, "name": name, "input": {}}
            block = self._calls[index] = self._add(_Block(_TOOL, start))
        elif block.start and name:
            block.start["name"] = name
        if piece is None:
            return b"".join(self._advance())
        return self._write(block, piece)

    def end(self, reason: str, usage: dict[str, object], metadata: bytes) -> bytes:
        """What waits, the stop of each block, and the end of the message."""
        out = [*self._advance(is_over=True)]
        delta = {"stop_reason": reason, "stop_sequence": None}
        last = encode({"type": "message_delta", "delta": delta, "usage": usage})
        return b"".join(out) + last_events(last, metadata)

    def _add(self, block: _Block) -> _Block:
        self._blocks.append(block)
        return block

    def _write(self, block: _Block, piece: msgspec.Raw) -> bytes:
        block.add(piece)
        return b"".join(self._advance())

    def _advance(self, *, is_over: bool = False) -> Iterator[bytes]:
        """The events that may go out by now."""
        while self._blocks:
            block = self._blocks[0]
            if not is_over and block.start and not block.may_start:
                return
            yield from self._flush(block)
            if not is_over and (len(self._blocks) == 1 or not block.is_whole):
                return
            yield event("content_block_stop", index=self._index)
            del self._blocks[0]

    def _flush(self, block: _Block) -> Iterator[bytes]:
        if block.start:
            self._index += 1
            start = block.start.get(_WHOLE, block.start)
            yield event("content_block_start", index=self._index, content_block=start)
            block.start = {}
        for delta in block.waiting:
            yield event("content_block_delta", index=self._index, delta=delta)
        block.waiting = []
