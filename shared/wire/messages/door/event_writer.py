"""The events of a message, written block by block.

Sources: platform.claude.com, "Streaming messages" (one block is open at a time, from its start over
its deltas to its stop); anthropic-sdk-python, types/raw_*_event.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import msgspec

from shared.wire.chat.in_turn import InTurn, Part, is_json
from shared.wire.messages.door.message import tool_id
from shared.wire.messages.door.named import last_events
from shared.wire.parse.lenient import encode
from shared.wire.parse.sse import typed_event

TEXT: Final = "text"
THINKING: Final = "thinking"
_TOOL: Final = "tool_use"
_WHOLE: Final = "whole"
_DELTAS: Final = {
    TEXT: ("text_delta", "text"),
    THINKING: ("thinking_delta", "thinking"),
    _TOOL: ("input_json_delta", "partial_json"),
}


class _Block(Part):
    """`start` is what its first event shows; `waiting` are deltas unsent."""

    def __init__(self, kind: str, start: dict[str, object], index: Iterator[int]) -> None:
        self.kind = kind
        self.start = start
        self.waiting: list[dict[str, object]] = []
        self._pieces: list[msgspec.Raw] = []
        self._indexes = index
        self._index = 0

    def add(self, piece: msgspec.Raw) -> None:
        """`piece` is a raw JSON string."""
        kind, name = _DELTAS[self.kind]
        self._pieces.append(piece)
        self.waiting.append({"type": kind, name: piece})

    @property
    def may_begin(self) -> bool:
        """Some servers name the tool of a call later than they begin it."""
        return self.kind != _TOOL or bool(self.start["name"])

    @property
    def is_whole(self) -> bool:
        return self.kind != _TOOL or is_json(self._pieces)

    def flush(self) -> Iterator[bytes]:
        if not self.has_begun:
            self._index = next(self._indexes)
            start = self.start.get(_WHOLE, self.start)
            yield typed_event("content_block_start", index=self._index, content_block=start)
        for delta in self.waiting:
            yield typed_event("content_block_delta", index=self._index, delta=delta)
        self.waiting = []

    def close(self) -> Iterator[bytes]:
        yield typed_event("content_block_stop", index=self._index)


class EventWriter:
    """A message as it goes out, one block after the other."""

    def __init__(self, prompt_tokens: int) -> None:
        self.has_begun = False
        self.calls_tools = False
        self._prompt_tokens = prompt_tokens
        self._blocks = InTurn()
        self._last: _Block | None = None
        self._calls: dict[int, _Block] = {}
        self._indexes = count()

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
        return typed_event("message_start", message=message)

    def say(self, kind: str, piece: msgspec.Raw) -> bytes:
        """A piece of TEXT or THINKING."""
        block = self._last
        if block is None or block.kind != kind:
            signature: dict[str, object] = {"signature": ""} if kind == THINKING else {}
            block = self._add(kind, {"type": kind, kind: "", **signature})
        return self._write(block, piece)

    @property
    def is_thinking(self) -> bool:
        return self._last is not None and self._last.kind == THINKING

    def sign(self, signature: msgspec.Raw) -> bytes:
        """The signature of the thoughts that were said last."""
        if self._last is not None:
            self._last.waiting.append({"type": "signature_delta", "signature": signature})
        return self._blocks.advance()

    def whole(self, block: msgspec.Raw) -> bytes:
        """A block that came whole, such as one of thoughts that nobody may read."""
        self._add(_WHOLE, {_WHOLE: block})
        return self._blocks.advance()

    def call(self, index: int, call_id: str, name: str, piece: msgspec.Raw | None) -> bytes:
        """A piece of the arguments of a call; `index` tells one call from the others."""
        self.calls_tools = True
        block = self._calls.get(index)
        if block is None:
            start: dict[str, object] = {
                "type": _TOOL,
                "id": tool_id(call_id),
                "name": name,
                "input": {},
            }
            block = self._calls[index] = self._add(_TOOL, start)
        elif name and not block.has_begun:
            block.start["name"] = name
        if piece is None:
            return self._blocks.advance()
        return self._write(block, piece)

    def end(self, reason: str, usage: dict[str, object], metadata: bytes) -> bytes:
        """What waits, the stop of each block, and the end of the message."""
        delta = {"stop_reason": reason, "stop_sequence": None}
        last = encode({"type": "message_delta", "delta": delta, "usage": usage})
        return self._blocks.advance(is_over=True) + last_events(last, metadata)

    def _add(self, kind: str, start: dict[str, object]) -> _Block:
        self._last = _Block(kind, start, self._indexes)
        self._blocks.add(self._last)
        return self._last

    def _write(self, block: _Block, piece: msgspec.Raw) -> bytes:
        block.add(piece)
        return self._blocks.advance()
