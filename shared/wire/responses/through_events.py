"""A stream of Responses on its way through: relayed as it comes, read where it matters.

Deltas are passed on unparsed, whole socket reads at a time. The last event waits for the end, so
that `_metadata` can ride on its response.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import msgspec

from shared.wire.chat.answer import splice
from shared.wire.history.fields import one_object
from shared.wire.parse.lenient import ABSENT, NotJSON, encode, is_nothing, loads, read_json
from shared.wire.parse.objects import Fields, as_object, objects_of
from shared.wire.parse.relay import Relay
from shared.wire.parse.sse import END, event_name, named_event
from shared.wire.responses.held import Holding
from shared.wire.responses.through import Response, error_in, response_in
from shared.wire.responses.whole_stream import LAST
from shared.wire.tokens.text import Pieces
from shared.wire.usage import Counts

_KEPT_BYTES: Final = 64 * 1024
_ERROR: Final = b'"error"'
_NUMBER: Final = re.compile(rb'"sequence_number":\s*(\d{1,9})')
_INCOMPLETE: Final = "response.incomplete"
_OWN_LAST: Final = b'{"type":"response.completed","response":{}}'


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    response: msgspec.Raw = ABSENT


_event = msgspec.json.Decoder(_Event)


class ThroughReader(Relay):
    """Has the interface of shared.wire.chat.events.StreamReader."""

    def __init__(self, holding: Holding) -> None:
        super().__init__()
        self._holding = holding
        self._read = Response()
        self._error: bytes | None = None
        self._begun: msgspec.Raw = ABSENT
        self._last: tuple[str, bytes] | None = None
        self._newest = b""
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._said = Pieces()

    @property
    def is_done(self) -> bool:
        return self._last is not None

    @property
    def has_reason(self) -> bool:
        return self.is_done

    @property
    def is_finished(self) -> bool:
        return self.is_done

    @property
    def _own_error(self) -> bytes | None:
        return self._error

    @property
    def counts(self) -> Counts | None:
        return self._read.counts

    @property
    def model(self) -> str | None:
        return self._read.model

    @property
    def service_tier(self) -> str | None:
        return self._read.service_tier

    @property
    def next_number(self) -> int:
        found = _NUMBER.findall(self._newest)
        return int(found[-1]) + 1 if found else 0

    def failed(self, error: Fields) -> Fields:
        """The response as it began, and why it came no further."""
        begun: Fields = {}
        with suppress(NotJSON):
            begun = as_object(loads(bytes(self._begun)))
        return {**begun, "status": "failed", "error": error}

    def cut(self) -> None:
        """End here: the answer is as long as it may be."""
        response: Fields = {}
        with suppress(NotJSON):
            response = as_object(loads(bytes(self._begun)))
        response |= {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        }
        event = {"type": _INCOMPLETE, "sequence_number": self.next_number, "response": response}
        self._last = (_INCOMPLETE, encode(event))

    def end(self, metadata: bytes) -> bytes:
        """The last event, with `metadata` on its response."""
        name, data = self._last or ("response.completed", _OWN_LAST)
        event = read_json(one_object, data)
        event["response"] = msgspec.Raw(splice(bytes(event["response"]), metadata))
        return named_event(name, encode(event))

    def delivered_tokens(self) -> int:
        """Expected tokens of what was let through."""
        self._fold()
        return self._said.tokens

    def _pass_on(self, events: bytes) -> bool:
        if not _is_plain(events):
            return False
        self._keep(events)
        return True

    def _take_event(self, event: bytes, data: bytes, out: list[bytes]) -> None:
        try:
            read = read_json(_event, data)
        except NotJSON:
            read = _Event()
        kind = read.type or event_name(event)
        if kind in ("error", "response.failed") or not kind:
            self._error = _error_of(kind, data, read)
            return
        if not is_nothing(read.response):
            with suppress(NotJSON):
                self._read = response_in(read.response)
                data = self._retold(data)
        else:
            data = self._holding.of_items(data)
        if kind in LAST:
            self._last = (kind, data)
            return
        relayed = named_event(kind, data)
        self._keep(relayed)
        out.append(relayed)

    def _retold(self, data: bytes) -> bytes:
        """An event with its response by the caller's ids, and only those marked."""
        event = read_json(one_object, data)
        event["response"] = msgspec.Raw(self._holding.of_response(bytes(event["response"])))
        self._begun = event["response"]
        return encode(event)

    def _keep(self, events: bytes) -> None:
        self._newest = events
        self._kept.append(events)
        self._kept_bytes += len(events)
        if self._kept_bytes > _KEPT_BYTES:
            self._fold()

    def _fold(self) -> None:
        for event in objects_of(b"".join(self._kept)):
            if isinstance(said := event.get("delta"), str):
                self._said.add(said)
        self._kept.clear()
        self._kept_bytes = 0


def _error_of(kind: str, data: bytes, read: _Event) -> bytes | None:
    """The error that an event bears, as the body of a refusal; None where it bears none."""
    if kind == "response.failed" and not is_nothing(read.response):
        with suppress(NotJSON):
            return error_in(response_in(read.response))
    try:
        told = as_object(loads(data))
    except NotJSON:
        return data if kind == "error" else None
    if kind == "error" and "error" not in told:
        named = {name: told.get(name) for name in ("code", "message", "param")}
        return encode({"error": named})
    return encode(told) if "error" in told or kind else None


def _is_plain(events: bytes) -> bool:
    """Whether whole events are deltas alone, each under its name: nothing is read of those."""
    count = events.count(END)
    return (
        events.startswith(b"event: response.")
        and count == events.count(END + b"event: response.") + 1
        and count == events.count(b'.delta\ndata: {"type":"response.')
        and _ERROR not in events
    )
