"""Server-sent events cut out of socket reads, by the WHATWG HTML standard (section 9.2.6).

A line ends in LF, CRLF or CR; an event ends at an empty line; a leading BOM is skipped; `data:` may
have one blank behind it. What is given out has LF alone.
"""

from __future__ import annotations

from shared.wire.parse.lenient import NotJSON, encode, loads

MAX_EVENT_BYTES = 16 * 1024 * 1024
END = b"\n\n"
DONE = b"data: [DONE]\n\n"

BOM = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """One event grew past MAX_EVENT_BYTES without an end."""


class EventFrames:
    """Give it what a socket read brought; it gives back the events that are whole by now.

    Each byte is copied once or twice however small the reads are: a line of 10 MB costs no more
    in reads of 1 KB than in one.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._skip_line_feed = False

    def take(self, data: bytes) -> bytes:
        """Whole events, the last one's END included, or nothing. Raises EventTooLong."""
        data = self._with_line_feeds(data)
        tail = self._tail
        if not tail:
            return self._cut(data)
        joins = data[:1] == b"\n" and tail.endswith(b"\n")
        if not joins and END not in data:
            tail += data
            self._check_length()
            return b""
        block = bytes(tail) + data
        tail.clear()
        return self._cut(block)

    def rest(self) -> bytes:
        """What came behind the last whole event, as one: for the end of a stream, where some leave
        the blank line out."""
        rest = bytes(self._tail).strip(b"\n")
        self._tail.clear()
        return rest + END if rest else b""

    def _cut(self, block: bytes) -> bytes:
        end = block.rfind(END)
        if end < 0:
            self._tail += block
            self._check_length()
            return b""
        end += len(END)
        if end == len(block):
            return block
        self._tail += block[end:]
        return block[:end]

    def _check_length(self) -> None:
        if len(self._tail) > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event is longer than {MAX_EVENT_BYTES} bytes")

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._skip_line_feed and data:
            self._skip_line_feed = False
            data = data.removeprefix(b"\n")
        if b"\r" not in data:
            return data
        self._skip_line_feed = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


NOT_UTF8 = b'{"error":{"type":"server_error"}}'
"""The error that an event is which is no UTF-8, as a body: the standard asks for UTF-8."""


def utf8_events(events: bytes) -> bytes:
    """The whole events before the first that is not UTF-8; all of them, itself, where none is."""
    if events.isascii():
        return events
    try:
        events.decode()
    except UnicodeDecodeError as error:
        end = events.rfind(END, 0, error.start)
        return events[: end + len(END)] if end >= 0 else b""
    return events


def data_event(data: bytes) -> bytes:
    """One event that carries `data`, a JSON text: a line feed between its tokens is a blank."""
    return b"data: %b\n\n" % data.replace(b"\n", b" ")


def named_event(name: str, data: bytes) -> bytes:
    """The same with its name, as the events of Messages and Responses have one."""
    return b"event: %b\n%b" % (name.encode(), data_event(data))


def typed_event(name: str, /, **fields: object) -> bytes:
    """An event whose data say its name as their `type`."""
    return named_event(name, encode({"type": name, **fields}))


def event_data(event: bytes) -> bytes | None:
    """The data of one event, its lines joined; None where it has none."""
    lines = [
        line[5:].removeprefix(b" ")
        for line in event.removeprefix(BOM).split(b"\n")
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None


def event_datas(event: bytes) -> tuple[bytes, ...]:
    """The data of one event; of several where the blank lines between them are missing."""
    data = event_data(event)
    if data is None:
        return ()
    if b"\n" not in data:
        return (data,)
    try:
        loads(data)
    except NotJSON:
        return tuple(line for line in data.split(b"\n") if line)
    return (data,)


def is_named_error(event: bytes) -> bool:
    return not event.startswith(b"data:") and event_name(event) in _ERRORS


_ERRORS = frozenset({"error", "response.failed"})


def error_body(data: bytes) -> bytes:
    """The data of an event that is called `error` as the body of a refusal, be it a mere text."""
    return data if data.lstrip()[:1] in (b"{", b"[") else encode({"error": data.decode()})


def event_name(event: bytes) -> str:
    """What its `event:` line says; "" where it has none."""
    for line in event.removeprefix(BOM).split(b"\n"):
        if line.startswith(b"event:"):
            return line[6:].strip().decode()
    return ""
