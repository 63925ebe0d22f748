"""A response wrapped otherwise than it was asked for: JSON for a stream, or a stream for JSON."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import msgspec

from shared.wire.chat.answer import Completion
from shared.wire.parse.lenient import NotJSON, encode, loads
from shared.wire.parse.objects import Fields, as_object, as_objects
from shared.wire.parse.sse import END, event_data
from shared.wire.responses.items import told
from shared.wire.responses.writer import Numbered
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts

LAST: Final = frozenset({"response.completed", "response.incomplete"})
_SAID: Final = ("text", "refusal", "arguments", "input", "name", "summary", "content", "output")


class WholeResponse:
    """A response that came whole, to be sent as a stream. Has the interface of StreamReader."""

    def __init__(self, completion: Completion, *, show_usage: bool) -> None:
        self.is_done = self.is_finished = self.has_reason = True
        self.has_error = False
        self.error: bytes | None = None
        self.counts: Counts | None = completion.counts
        self.model = completion.model
        self.service_tier = completion.service_tier
        self._body = completion.body
        self._response = as_object(loads(completion.body))
        self._emit = Numbered()

    @property
    def next_number(self) -> int:
        return self._emit.next_number

    def failed(self, error: Fields) -> Fields:
        return {**self._response, "status": "failed", "error": error}

    def first(self) -> bytes:
        """Its start, and all events of its items."""
        begun: Fields = {**self._response, "status": "in_progress", "output": [], "usage": None}
        out = [self._emit(name, response=begun) for name in ("created", "in_progress")]
        for index, item in enumerate(as_objects(self._response.get("output"))):
            out += told(item, index, self._emit)
        return b"".join(out)

    def feed(self, data: bytes) -> bytes:
        return b""

    def close(self) -> bytes:
        return b""

    def end(self, metadata: bytes) -> bytes:
        status = str(self._response.get("status") or "completed")
        return self._emit(status, response={**self._response, "_metadata": msgspec.Raw(metadata)})

    def delivered_tokens(self) -> int:
        return text_tokens(self._body)


def text_tokens(body: bytes) -> int:
    """Expected tokens of what a response says: texts, thoughts, and calls of tools."""
    said = Pieces()
    _add(said, as_object(loads(body)).get("output"))
    return said.tokens


def gather(events: bytes) -> bytes:
    """The response that the events of a stream come to."""
    for one in reversed(events.split(END)):
        data = event_data(one)
        if data is not None:
            with suppress(NotJSON):  # what looked plain was relayed unread
                event = as_object(loads(data))
                if event.get("type") in LAST:
                    response = as_object(event.get("response"))
                    response.pop("_metadata", None)
                    return encode(response)
    return b"{}"


def _add(said: Pieces, value: Any) -> None:
    for item in as_objects(value):
        for name in _SAID:
            if isinstance(item.get(name), str):
                said.add(item[name])
            else:
                _add(said, item.get(name))
