"""An OpenAI stream on its way through: relayed as it comes, read only where it matters.

A socket read without a finish_reason, a usage or an end is passed on whole and unparsed; comments
are kept. From the event with finish_reason on, the last event waits for the end, so that
`_metadata` can ride on it; the usage event is shown only to a client that asked for it.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from shared.wire.chat.answer import splice
from shared.wire.chat.chunk import Chunk, counts_of, error_of, read_chunk, texts_of
from shared.wire.chat.plain import PlainEvents, is_plain
from shared.wire.chat.tool_calls import ToolCalls
from shared.wire.chat.usage import normalize
from shared.wire.parse.lenient import NotJSON, sound
from shared.wire.parse.sse import (
    DONE,
    END,
    NOT_UTF8,
    EventFrames,
    data_event,
    error_body,
    event_data,
    event_datas,
    is_named_error,
    utf8_events,
)
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts, merge

_KEPT_BYTES = 64 * 1024

_REASON = b'"finish_reason":"'


class StreamReader:
    """Feed it what a socket read brought; it returns what may be relayed now.

    `error`: the provider put an error into the stream (HTTP 200 was already out); this is it, as
    the body of a refusal. `has_reason`: the model said why it stopped. `ends_calls_by_stop`:
    whether this provider gives `stop` as the reason where the model calls tools.

    The usage alone ends a stream too, where nothing follows (earendil-works/pi pull request 7441).
    """

    def __init__(self, *, show_usage: bool, ends_calls_by_stop: bool = False) -> None:
        self.model: str | None = None
        self.service_tier: str | None = None
        self.is_done = False
        self.has_reason = False
        self.error: bytes | None = None
        self._show_usage = show_usage
        self._frames = EventFrames()
        self._plain = PlainEvents()
        self._counts: Counts | None = None
        self._calls = ToolCalls(ends_by_stop=ends_calls_by_stop)
        self._last: Chunk = Chunk()
        self._held: bytes | None = None
        self._usage_event: bytes | None = None
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._said = Pieces()
        self._ends_by_usage = False

    @property
    def has_error(self) -> bool:
        return self.error is not None

    @property
    def is_finished(self) -> bool:
        """Whether the model said why it stopped, or [DONE] came."""
        return self.is_done or self.has_reason

    @property
    def counts(self) -> Counts | None:
        return normalize(self._counts)

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
        rest = self._frames.rest()
        out = self._take_whole(rest) if rest else b""
        self.is_done = self.is_done or (self._ends_by_usage and not self.has_error)
        return out

    def cut(self) -> None:
        """End here: the answer is as long as it may be."""
        self._held = self._own_finish(b"length")
        self.has_reason = self.is_done = True

    def end(self, metadata: bytes) -> bytes:
        """What is left to relay: the held events, `_metadata` on the last of them, and [DONE]."""
        held = self._held if self._held is not None else self._own_finish()
        if self._usage_event is None:
            return data_event(splice(held, metadata)) + DONE
        return data_event(held) + data_event(splice(self._usage_event, metadata)) + DONE

    def delivered_tokens(self) -> int:
        """Expected tokens of what was let through, thoughts and calls too: for a stream that was
        cut."""
        self._fold()
        return self._said.tokens

    def _take_whole(self, whole: bytes) -> bytes:
        out: list[bytes] = []
        sound = utf8_events(whole)
        if self._held is not None or self._calls.are_changing:
            self._take_events(sound, out)
        elif (plain := self._plain.leading(sound)) == len(sound):
            self._pass_on(sound, out)
        else:
            self._pass_on(sound[:plain], out)
            self._take_rest(sound[plain:], out)
        if sound is not whole and not (self.is_done or self.has_error):
            self.error = NOT_UTF8
        return b"".join(out)

    def _pass_on(self, plain: bytes, out: list[bytes]) -> None:
        if plain:
            self._ends_by_usage = False
            self._keep(plain)
            out.append(plain)

    def _take_rest(self, whole: bytes, out: list[bytes]) -> None:
        """Of a read, from the first event on that is not plain, or not known to be."""
        reason = whole.find(_REASON)
        if reason < 0:
            self._walk(whole, out)
            return
        before = whole.rfind(END, 0, reason)
        begins = before + len(END) if before >= 0 else 0
        self._walk(whole[:begins], out)
        self._take_events(whole[begins:], out)

    def _take_events(self, whole: bytes, out: list[bytes]) -> None:
        """From the reason on, or where calls are numbered again, each event is read."""
        for event in whole.split(END):
            if self.is_done or self.error is not None:
                return
            if event:
                self._take_event(event, out)

    def _walk(self, whole: bytes, out: list[bytes]) -> None:
        """Halve until what is plain is passed on in few pieces, and the rest event by event."""
        if self.is_done or self.error is not None or not whole:
            return
        if self._held is None and is_plain(whole):
            self._pass_on(whole, out)
            return
        middle = whole.find(END, len(whole) // 2, -len(END))
        if middle < 0:
            middle = whole.rfind(END, 0, -len(END))
        if middle < 0:
            self._take_event(whole.removesuffix(END), out)
            return
        middle += len(END)
        self._walk(whole[:middle], out)
        self._walk(whole[middle:], out)

    def _take_event(self, event: bytes, out: list[bytes]) -> None:
        datas = event_datas(event)
        if not datas and event.startswith(b":"):
            out.append(event + END)
        for data in datas:
            if data.strip() == b"[DONE]":
                self.is_done = True
            elif is_named_error(event):
                self.error = error_body(data)
            else:
                self._take(data, out)
            if self.is_done or self.error is not None:
                return

    def _take(self, data: bytes, out: list[bytes]) -> None:
        try:
            chunk = read_chunk(data)
        except NotJSON:
            if data.lstrip()[:1] == b"[":  # Google wraps an error in a list
                self.error = data
            return
        has_counts = self._note(chunk, data)
        self.error = error_of(chunk, data)
        if self.error is not None:
            # With its usage, so that what came is billed as counted.
            self.has_reason = self.has_reason or (has_counts and chunk.finish_reason is not None)
            return
        self._ends_by_usage = has_counts and not chunk.choices
        if self._is_usage_event(chunk, has_counts=has_counts):
            if self._show_usage and (chunk.bears_usage or self._usage_event is None):
                self._usage_event = data
            return
        if self._held is not None:
            out.append(data_event(self._held))
            self._held = None
        if chunk.finish_reason is not None and self._calls.ends_by_stop:
            self._fold()
        self._count(chunk)
        data = self._calls.fix(chunk, sound(data))
        self.has_reason = self.has_reason or chunk.finish_reason is not None
        if self.has_reason:
            self._held = data
        else:
            out.append(data_event(data))

    def _is_usage_event(self, chunk: Chunk, *, has_counts: bool) -> bool:
        """Whether it is there for the usage alone, which behind the reason may also be null."""
        has_field = self.has_reason and bytes(chunk.usage) != b""
        return not chunk.choices and (has_counts or chunk.bears_usage or has_field)

    def _note(self, chunk: Chunk, data: bytes) -> bool:
        """What the event says of the whole answer; whether it says anything of usage."""
        self._last = chunk
        counts = counts_of(chunk, data)
        if counts is not None:
            self._counts = merge(self._counts, counts)
        if counts is not None or chunk.finish_reason is not None:
            self.model = chunk.model or self.model
            self.service_tier = chunk.service_tier or self.service_tier
        return counts is not None

    def _keep(self, whole: bytes) -> None:
        self._kept.append(whole)
        self._kept_bytes += len(whole)
        if self._kept_bytes > _KEPT_BYTES:
            self._fold()

    def _fold(self) -> None:
        for block in self._kept:
            for event in block.split(END):
                data = event_data(event)
                if data is not None:
                    with suppress(NotJSON):  # what looked plain was relayed unread
                        self._last = read_chunk(data)
                        self._count(self._last)
        self._kept.clear()
        self._kept_bytes = 0

    def _count(self, chunk: Chunk) -> None:
        for choice in chunk.choices or ():
            for text in texts_of(choice.said):
                self._said.add(text)
            self._calls.see(choice)

    def _own_finish(self, reason: bytes | None = None) -> bytes:
        """For a stream that ended without one, as Gemini's did (jakobdylanc/llmcord issue 84)."""
        self._fold()
        return (
            b'{"id":%b,"object":"chat.completion.chunk","created":%b,"model":%b,"choices":[%b]}'
            % (
                bytes(self._last.id) or b'""',
                bytes(self._last.created) or b"0",
                msgspec.json.encode(self._last.model or ""),
                b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}'
                % (reason or self._calls.reason_of(0).encode()),
            )
        )
