"""A message wrapped otherwise than it was asked for: JSON for a stream, or a stream for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.wire.chat.answer import Completion
from shared.wire.messages.door.named import last_events
from shared.wire.parse.lenient import NotJSON, encode, loads
from shared.wire.parse.objects import Fields, as_object, as_objects, objects_of
from shared.wire.parse.sse import typed_event
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts

_GROWS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""What a delta adds to; the input of a call is JSON text until its block is whole."""
_INPUT: Final = "partial_json"


class WholeMessage:
    """A message that came whole, to be sent as a stream. Has the interface of StreamReader."""

    def __init__(self, completion: Completion, *, show_usage: bool) -> None:
        self.is_done = self.is_finished = self.has_reason = True
        self.has_error = False
        self.error: bytes | None = None
        self.counts: Counts | None = completion.counts
        self.model = completion.model
        self.service_tier = completion.service_tier
        self._body = completion.body
        self._message = as_object(loads(completion.body))

    def first(self) -> bytes:
        """Its start, and what it says: a start, a delta and a stop for each block."""
        begun: Fields = {**self._message, "content": [], "stop_reason": None, "stop_sequence": None}
        out = [typed_event("message_start", message=begun)]
        for index, block in enumerate(as_objects(self._message.get("content"))):
            out += _block_events(index, block)
        return b"".join(out)

    def feed(self, data: bytes) -> bytes:
        return b""

    def close(self) -> bytes:
        return b""

    def end(self, metadata: bytes) -> bytes:
        delta = {name: self._message.get(name) for name in ("stop_reason", "stop_sequence")}
        usage = {"output_tokens": 0, **as_object(self._message.get("usage"))}
        last = encode({"type": "message_delta", "delta": delta, "usage": usage})
        return last_events(last, metadata)

    def delivered_tokens(self) -> int:
        return text_tokens(self._body)


def text_tokens(body: bytes) -> int:
    """Expected tokens of what a message says: texts, thoughts, and calls of tools."""
    said = Pieces()
    for block in as_objects(as_object(loads(body)).get("content")):
        for name in ("text", "thinking"):
            if isinstance(block.get(name), str):
                said.add(block[name])
        if "input" in block:
            said.add(f"{block.get('name')}{encode(block['input']).decode()}")
    return said.tokens


def gather(events: bytes) -> bytes:
    """The message that the events of a stream come to."""
    message: Fields = {}
    blocks: dict[int, Fields] = {}
    for one in objects_of(events):
        kind, index = one.get("type"), one.get("index")
        place = index if type(index) is int else 0
        if kind == "message_start":
            message = {**as_object(one.get("message"))}
        elif kind == "content_block_start":
            blocks[place] = {**as_object(one.get("content_block"))}
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(place, {"type": "text"}), as_object(one.get("delta")))
        elif kind == "message_delta":
            message |= as_object(one.get("delta"))
            usage = {k: v for k, v in as_object(one.get("usage")).items() if v is not None}
            message["usage"] = {**as_object(message.get("usage")), **usage}
    message["content"] = [_finished(blocks[place]) for place in sorted(blocks)]
    return encode(message)


def _block_events(index: int, block: Fields) -> Iterator[bytes]:
    kind = block.get("type")
    start: Fields = block
    deltas: list[Fields] = []
    if kind == "text":
        start = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": block.get("text", "")}]
    elif kind == "thinking":
        start = {**block, "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block.get("thinking", "")},
            {"type": "signature_delta", "signature": block.get("signature", "")},
        ]
    elif "input" in block:
        start = {**block, "input": {}}
        said = encode(block["input"]).decode()
        deltas = [{"type": "input_json_delta", "partial_json": said}]
    yield typed_event("content_block_start", index=index, content_block=start)
    for delta in deltas:
        yield typed_event("content_block_delta", index=index, delta=delta)
    yield typed_event("content_block_stop", index=index)


def _grow(block: Fields, delta: Fields) -> None:
    name = _GROWS.get(str(delta.get("type")))
    if name is not None:
        block[name] = str(block.get(name) or "") + str(delta.get(name) or "")
    elif delta.get("type") == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]


def _finished(block: Fields) -> Fields:
    said = block.pop(_INPUT, "")
    if said:
        try:
            block["input"] = loads(said.encode("utf-8", "surrogatepass"))
        except (NotJSON, UnicodeDecodeError):
            block["input"] = {"_raw": said}
    return block
