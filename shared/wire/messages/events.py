"""anthropic -> openai: the events of a streamed message as chat completion chunks.

Sources: platform.claude.com, "Streaming messages" (the flow of events; pings anywhere; errors in
the stream; unknown events are to be ignored; message_delta's usage is cumulative);
anthropic-sdk-python, types/raw_*_event.py and types/raw_content_block_delta.py; openai-python,
types/chat/chat_completion_chunk.py.
"""

from __future__ import annotations

import msgspec

from shared.wire.history.signatures import signed
from shared.wire.messages.block import Block, OpenBlock
from shared.wire.messages.chunks import ChunkWriter
from shared.wire.messages.stop_reason import StopDetails
from shared.wire.messages.usage import normalize, read_usage
from shared.wire.parse.lenient import ABSENT, NotJSON, encode, is_nothing, read_json
from shared.wire.parse.sse import (
    END,
    NOT_UTF8,
    EventFrames,
    error_body,
    event_datas,
    event_name,
    is_named_error,
    utf8_events,
)
from shared.wire.provider import ANTHROPIC
from shared.wire.usage import Counts, merge

_PING = b": ping\n\n"


class _Start(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: msgspec.Raw = ABSENT


class _Delta(msgspec.Struct, frozen=True):
    """One piece of a block, or of the message itself (stop_reason)."""

    type: str = ""
    text: msgspec.Raw = ABSENT
    partial_json: msgspec.Raw = ABSENT
    thinking: msgspec.Raw = ABSENT
    signature: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    index: int = 0
    message: _Start | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    detail: msgspec.Raw = ABSENT


_event = msgspec.json.Decoder(_Event)


class StreamReader:
    """Feed it what a socket read brought; it returns the chunks that may be sent now.

    Has the interface of shared.wire.chat.events.StreamReader. Nothing is returned before the first
    content block begins: an error until then leaves another provider to be tried. `provider` is
    the slug of who streams.
    """

    def __init__(self, *, show_usage: bool, created: int, provider: str = ANTHROPIC) -> None:
        self.model: str | None = None
        self.service_tier: str | None = None
        self.is_done = False
        self.error: bytes | None = None
        self._provider = provider
        self._show_usage = show_usage
        self._frames = EventFrames()
        self._chunks = ChunkWriter(created)
        self._blocks: dict[int, OpenBlock] = {}
        self._counts: Counts | None = None
        self._output_is_final = False
        self._stop_reason: str | None = None
        self._stop_details: StopDetails | None = None

    @property
    def has_error(self) -> bool:
        return self.error is not None

    @property
    def has_reason(self) -> bool:
        return self._stop_reason is not None

    @property
    def is_finished(self) -> bool:
        return self.is_done or self.has_reason

    @property
    def counts(self) -> Counts | None:
        """What was reported; of a stream cut before message_delta, the prompt alone."""
        counts = self._counts
        if counts is not None and not self._output_is_final:
            counts = msgspec.structs.replace(counts, completion_tokens=None)
        return normalize(counts)

    def feed(self, data: bytes) -> bytes:
        """Raises EventTooLong."""
        if self.is_done or self.has_error:
            return b""
        whole = self._frames.take(data)
        return self._take_whole(whole) if whole else b""

    def close(self) -> bytes:
        """The same at the end of what comes: the last event needs no blank line behind it."""
        if self.is_done or self.has_error:
            return b""
        return self._take_whole(self._frames.rest())

    def cut(self) -> None:
        """End here: the answer is as long as it may be."""
        self._stop_reason, self.is_done = "max_tokens", True

    def end(self, metadata: bytes) -> bytes:
        """What is left to send: the finish, the usage that was reported if it was asked for,
        `_metadata` on the last of them, and [DONE]."""
        counts = self.counts
        shown = counts if self._show_usage and counts is not None and counts.is_whole else None
        return self._chunks.end(self._stop_reason, self._stop_details, shown, metadata)

    def delivered_tokens(self) -> int:
        """Expected tokens of text, thinking and calls that were let through."""
        return self._chunks.said.tokens

    def _take_whole(self, whole: bytes) -> bytes:
        out: list[bytes] = []
        sound = utf8_events(whole)
        for event in sound.split(END):
            self._take_event(event, out)
            if self.is_done or self.has_error:
                return b"".join(out)
        if sound is not whole:
            self.error = NOT_UTF8
        return b"".join(out)

    def _take_event(self, raw: bytes, out: list[bytes]) -> None:
        for data in event_datas(raw):
            self._take_data(raw, data, out)
            if self.is_done or self.has_error:
                return

    def _take_data(self, raw: bytes, data: bytes, out: list[bytes]) -> None:
        if data.strip() == b"[DONE]":  # of OpenAI's wire, sent by servers that speak both
            self.is_done = True
            return
        try:
            event = read_json(_event, data)
        except NotJSON:
            if is_named_error(raw):
                self.error = error_body(data)
            return  # else a bad line harms no stream
        kind = event.type or event_name(raw)
        if kind == "error" or not (is_nothing(event.error) and is_nothing(event.detail)):
            self.error = data
        elif kind == "content_block_delta":
            self._take_delta(event, out)
        elif kind == "content_block_start":
            self._open_block(event, out)
        elif kind == "content_block_stop":
            self._close_block(event, out)
        elif kind == "ping" and self._chunks.has_begun:
            out.append(_PING)
        else:
            self._take_message_event(kind, event)

    def _take_message_event(self, kind: str, event: _Event) -> None:
        if kind == "message_start" and event.message is not None:
            self.model = event.message.model or None
            self._note(event.message.usage)
            self._chunks.name(event.message.id, event.message.model)
            return
        later = self._note(event.usage)
        self._output_is_final |= later is not None and later.completion_tokens is not None
        if event.delta is not None:
            self._stop_reason = event.delta.stop_reason or self._stop_reason
            self._stop_details = event.delta.stop_details or self._stop_details
        self.is_done = kind == "message_stop"

    def _note(self, usage: msgspec.Raw) -> Counts | None:
        counts, tier = read_usage(usage)
        self._counts = merge(self._counts, counts)
        self.service_tier = tier or self.service_tier
        return counts

    def _open_block(self, event: _Event, out: list[bytes]) -> None:
        begun = event.content_block
        if begun is None:
            return
        block = self._blocks[event.index] = OpenBlock(begun)
        out.append(self._chunks.begin())
        if begun.type == "tool_use":
            block.tool_index = self._chunks.next_tool_index()
            out.append(self._chunks.tool_call(block.tool_index, begun.id, begun.name))
        elif not is_nothing(begun.text):
            out.append(self._chunks.text(begun.text))
        elif not is_nothing(begun.thinking):
            block.think(begun.thinking)
            out.append(self._chunks.thinking(begun.thinking))

    def _take_delta(self, event: _Event, out: list[bytes]) -> None:
        delta, block = event.delta, self._blocks.get(event.index)
        if delta is None:
            return
        if block is None:  # its start was a bad line, which is no reason to lose its text
            block = self._blocks[event.index] = OpenBlock(Block())
            out.append(self._chunks.begin())
        if not is_nothing(delta.text):
            out.append(self._chunks.text(delta.text))
        elif not is_nothing(delta.partial_json):
            if block.tool_index is not None:
                block.has_input = True
                out.append(self._chunks.arguments(block.tool_index, delta.partial_json))
        elif not is_nothing(delta.thinking):
            block.think(delta.thinking)
            out.append(self._chunks.thinking(delta.thinking))
        else:
            block.signature += delta.signature

    def _close_block(self, event: _Event, out: list[bytes]) -> None:
        block = self._blocks.pop(event.index, None)
        if block is None:
            return
        if block.tool_index is not None and not block.has_input:
            # A tool without parameters streams no input, and clients parse what they joined.
            given = msgspec.Raw(encode(block.begun.arguments))
            out.append(self._chunks.arguments(block.tool_index, given))
        whole = block.thinking_block
        if whole is not None:
            out.append(self._chunks.thinking_block(signed(whole, self._provider)))
