"""A stream of the Messages API on its way through: relayed as it comes, read where it matters.

What comes between message_start and message_delta is passed on unparsed, whole socket reads at a
time. message_delta waits for the end, so that `_metadata` can ride on it.
"""

from __future__ import annotations

import msgspec

from shared.wire.messages.door.named import MESSAGE_DELTA, PING, last_events
from shared.wire.messages.events import StreamReader
from shared.wire.parse.lenient import NotJSON, read_json
from shared.wire.parse.relay import Relay
from shared.wire.parse.sse import END, event_name, named_event
from shared.wire.usage import Counts

_KEPT_BYTES = 64 * 1024
_CONTENT = b"event: content_block_"
_ERROR = b'"error"'
_OWN_DELTA = (
    b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":0}}'
)
_CUT_DELTA = (
    b'{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},'
    b'"usage":{"output_tokens":%d}}'
)


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind)


class ThroughReader(Relay):
    """Has the interface of shared.wire.chat.events.StreamReader. What is read is read by the reader
    that translates: `_said` is given the content, and only where its length is asked for.
    """

    def __init__(self, *, created: int) -> None:
        super().__init__()
        self._read = StreamReader(show_usage=False, created=created)
        self._said = StreamReader(show_usage=False, created=created)
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._held: bytes | None = None

    @property
    def is_done(self) -> bool:
        return self._read.is_done

    @property
    def _own_error(self) -> bytes | None:
        return self._read.error

    @property
    def has_reason(self) -> bool:
        return self._read.has_reason

    @property
    def is_finished(self) -> bool:
        return self._read.is_finished

    @property
    def counts(self) -> Counts | None:
        return self._read.counts

    @property
    def model(self) -> str | None:
        return self._read.model

    @property
    def service_tier(self) -> str | None:
        return self._read.service_tier

    def cut(self) -> None:
        """End here: the answer is as long as it may be."""
        self._held = _CUT_DELTA % self.delivered_tokens()
        self._read.cut()

    def end(self, metadata: bytes) -> bytes:
        """What is left to relay: message_delta with `metadata` on it, and message_stop."""
        return last_events(self._held if self._held is not None else _OWN_DELTA, metadata)

    def delivered_tokens(self) -> int:
        """Expected tokens of text, thinking and calls that were let through."""
        self._fold()
        return self._said.delivered_tokens() + self._read.delivered_tokens()

    def _pass_on(self, events: bytes) -> bool:
        if self._held is not None or not _is_plain(events):
            return False
        self._keep(events)
        return True

    def _take_event(self, event: bytes, data: bytes, out: list[bytes]) -> None:
        kind = _kind_of(data) or event_name(event)
        if kind == "ping":
            out.append(PING)
            return
        relayed = named_event(kind, data)
        if kind.startswith("content_block_") and _ERROR not in data:
            self._keep(relayed)
        else:
            self._read.feed(relayed)
            if self.is_done or self.has_error:
                return
        if self._held is not None:
            out.append(named_event(MESSAGE_DELTA, self._held))
            self._held = None
        if kind == MESSAGE_DELTA:
            self._held = data
        elif kind:
            out.append(relayed)

    def _keep(self, content: bytes) -> None:
        self._kept.append(content)
        self._kept_bytes += len(content)
        if self._kept_bytes > _KEPT_BYTES:
            self._fold()

    def _fold(self) -> None:
        self._said.feed(b"".join(self._kept))
        self._kept.clear()
        self._kept_bytes = 0


def _kind_of(data: bytes) -> str:
    """The event's own type; "" where it cannot be read, which harms no stream."""
    try:
        return read_json(_kind, data).type
    except NotJSON:
        return ""


def _is_plain(events: bytes) -> bool:
    """Whether whole events are content alone, each under its name: nothing is read of those."""
    return (
        events.startswith(_CONTENT)
        and events.count(END) == events.count(END + _CONTENT) + 1
        and events.count(b'\ndata: {"type":"content_block_') == events.count(END)
        and _ERROR not in events
    )
