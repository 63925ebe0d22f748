"""anthropic -> openai: the events of a streamed message as chat completion chunks.

Sources: platform.claude.com, "Streaming messages" (the flow of events; pings anywhere; errors in
the stream; unknown events are to be ignored; message_delta's usage is cumulative);
anthropic-sdk-python, types/raw_*_event.py and types/raw_content_block_delta.py; openai-python,
types/chat/chat_completion_chunk.py.
"""

from __future__ import annotations

import msgspec

from shared.wire.messages.chunks import ChunkWriter, OpenBlock
from shared.wire.messages.stop_reason import StopDetails
from shared.wire.messages.usage import (
    ReportedUsage,
    merge,
    normalize,
    read_reported,
    service_tier,
)
from shared.wire.sse import END, EventFrames, event_data
from shared.wire.usage import Usage, estimate_tokens

_ABSENT = msgspec.Raw()
_PING = b": ping\n\n"


class _Start(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: msgspec.Raw = _ABSENT


class _Block(msgspec.Struct, frozen=True):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    data: str = ""
    input: msgspec.Raw = _ABSENT


class _Delta(msgspec.Struct, frozen=True):
    """One piece of a block, or of the message itself (stop_reason)."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str
    index: int = 0
    message: _Start | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: msgspec.Raw = _ABSENT


_event = msgspec.json.Decoder(_Event)


class StreamReader:
    """Feed it what a socket read brought; it returns the chunks that may be sent now.

    Has the interface of shared.wire.chat.events.StreamReader. Nothing is returned before the first
    content block begins: an error until then leaves another provider to be tried.
    """

    def __init__(self, *, show_usage: bool, created: int) -> None:
        self.model: str | None = None
        self.is_done = False
        self.has_error = False
        self._show_usage = show_usage
        self._frames = EventFrames()
        self._chunks = ChunkWriter(created)
        self._blocks: dict[int, OpenBlock] = {}
        self._reported: ReportedUsage | None = None
        self._usage_is_final = False
        self._stop_reason: str | None = None
        self._stop_details: StopDetails | None = None

    @property
    def is_finished(self) -> bool:
        return self.is_done or self._stop_reason is not None

    @property
    def service_tier(self) -> str | None:
        return service_tier(self._reported)

    @property
    def usage(self) -> Usage | None:
        """What message_delta reported; for a stream cut before it, the prompt as message_start
        reported it and the output estimated from what was delivered."""
        usage = normalize(self._reported)
        if usage is None or self._usage_is_final:
            return usage
        delivered = estimate_tokens(self.delivered_text_bytes())
        return msgspec.structs.replace(
            usage,
            completion_tokens=max(usage.completion_tokens, delivered),
            is_estimated=True,
        )

    def feed(self, data: bytes) -> bytes:
        """Raises EventTooLong."""
        if self.is_done or self.has_error:
            return b""
        whole = self._frames.take(data)
        if not whole:
            return b""
        out: list[bytes] = []
        for event in whole.split(END):
            self._take_event(event, out)
            if self.is_done or self.has_error:
                break
        return b"".join(out)

    def end(self, metadata: bytes) -> bytes:
        """What is left to send: the finish, the usage that was reported if it was asked for,
        `_metadata` on the last of them, and [DONE]."""
        shown = self.usage if self._show_usage and self._usage_is_final else None
        return self._chunks.end(self._stop_reason, self._stop_details, shown, metadata)

    def delivered_text_bytes(self) -> int:
        """UTF-8 bytes of text, thinking and tool input that were let through."""
        return self._chunks.text_bytes

    def _take_event(self, raw: bytes, out: list[bytes]) -> None:
        data = event_data(raw)
        if data is None:
            return
        try:
            event = _event.decode(data)
        except (msgspec.DecodeError, RecursionError):
            return  # a bad line harms no stream
        if event.type == "content_block_delta":
            self._take_delta(event, out)
        elif event.type == "content_block_start":
            self._open_block(event, out)
        elif event.type == "content_block_stop":
            self._close_block(event, out)
        elif event.type == "ping" and self._chunks.has_begun:
            out.append(_PING)
        else:
            self._take_message_event(event)

    def _take_message_event(self, event: _Event) -> None:
        if event.type == "message_start" and event.message is not None:
            self.model = event.message.model or None
            self._reported = read_reported(event.message.usage)
            self._chunks.name(event.message.id, event.message.model)
        elif event.type == "message_delta":
            later = read_reported(event.usage)
            self._usage_is_final |= later is not None and later.output_tokens is not None
            self._reported = merge(self._reported, later)
            if event.delta is not None:
                self._stop_reason = event.delta.stop_reason or self._stop_reason
                self._stop_details = event.delta.stop_details or self._stop_details
        elif event.type == "message_stop":
            self.is_done = True
        elif event.type == "error":
            self.has_error = True

    def _open_block(self, event: _Event, out: list[bytes]) -> None:
        begun = event.content_block
        if begun is None:
            return
        block = OpenBlock(begun.type, data=begun.data, input=bytes(begun.input))
        self._blocks[event.index] = block
        out.append(self._chunks.begin())
        if begun.type == "tool_use":
            block.tool_index = self._chunks.next_tool_index()
            out.append(self._chunks.tool_call(block.tool_index, begun.id, begun.name))
        elif begun.text:
            out.append(self._chunks.text(begun.text))
        elif begun.thinking:
            block.thoughts.append(begun.thinking)
            out.append(self._chunks.thinking(begun.thinking))

    def _take_delta(self, event: _Event, out: list[bytes]) -> None:
        delta, block = event.delta, self._blocks.get(event.index)
        if delta is None:
            return
        if block is None:  # its start was a bad line, which is no reason to lose its text
            block = self._blocks[event.index] = OpenBlock("", data="", input=b"")
            out.append(self._chunks.begin())
        if delta.type == "text_delta" and delta.text:
            out.append(self._chunks.text(delta.text))
        elif delta.type == "input_json_delta" and delta.partial_json:
            if block.tool_index is not None:
                block.has_input = True
                out.append(self._chunks.arguments(block.tool_index, delta.partial_json))
        elif delta.type == "thinking_delta" and delta.thinking:
            block.thoughts.append(delta.thinking)
            out.append(self._chunks.thinking(delta.thinking))
        elif delta.type == "signature_delta":
            block.signature += delta.signature

    def _close_block(self, event: _Event, out: list[bytes]) -> None:
        block = self._blocks.pop(event.index, None)
        if block is None:
            return
        if block.tool_index is not None and not block.has_input:
            # A tool without parameters streams no input, and clients parse what they joined.
            out.append(self._chunks.arguments(block.tool_index, block.whole_input))
        signed = block.thinking_block
        if signed is not None:
            out.append(self._chunks.thinking_block(signed))
