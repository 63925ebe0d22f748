"""uvicorn's HTTP/1.1 with bounds on what a connection may send before anybody looks at a token.

`uvicorn --http shared.http_protocol:Bounded`. Apps work without it too, behind a proxy that holds
such bounds. Heads are checked as RFC 9112 asks of a server; a trailer is not a header. A client
that closes its half of the connection has hung up: TCP cannot tell the two apart.
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.doors.refusals import (
    BAD_HOST,
    BAD_LENGTH,
    LARGE_FRAMING,
    LARGE_HEAD,
    MALFORMED,
    NO_SUCH_CODING,
    NO_SUCH_VERSION,
    SLOW_BODY,
    SLOW_HEAD,
    Refusal,
)
from shared.doors.unread import Unread
from shared.log import get_logger
from shared.settings import NetworkSettings, load_settings

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_S = 10.0
"""From a head's first byte to its last; and to the first byte of a connection."""
BODY_IDLE_S = 30.0
"""Without a byte of a body that is waited for."""
LOOK_EVERY_S = 2.0

# Few requests fit in so much: nothing is parsed further while one waits for its turn.
_PIECE_BYTES = 4096
_LINGER_S = 2.0
_LINGER_BYTES = 1 << 20
# Many clients send all of a body before they look whether it was refused.
_UNWANTED_BYTES = 32 << 20
# A chunk of one byte has five around it.
_FRAMING_A_BYTE = 8
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]+")
_CHECKED = frozenset({b"host", b"transfer-encoding", b"content-length", b"expect"})


@cache
def max_head_bytes() -> int:
    return load_settings(NetworkSettings)[NetworkSettings].max_head_bytes


class _Refused(Exception):  # noqa: N818  never leaves the parser
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Flow(FlowControl):
    """Reads no further while something that was read waits for its turn."""

    def __init__(self, transport: asyncio.Transport, protocol: Bounded) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if self.read_paused and not self._protocol.waits:
            self._protocol.listen_anew()
            super().resume_reading()


class Bounded(HttpToolsProtocol):
    """One connection. It looks at its clock every LOOK_EVERY_S: a timer a request costs more."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.ws_protocol_class = None
        self._max_head = max_head_bytes()
        self._in_head = True
        self._head_bytes = self._read_bytes = 0
        self._body_bytes = self._framed_bytes = 0
        self._hosts = 0
        self._is_chunked = self._is_deaf = False
        self._discarded = 0
        self._unparsed = b""
        self._began = self._heard = 0.0
        self._running: RequestResponseCycle | None = None
        self._newest: RequestResponseCycle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self)
        self._unread = Unread(transport)
        self._began = self._heard = self.loop.time()
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.pipeline.clear()
        self._unparsed = b""
        # uvicorn tells the newest request alone, which may be one that waited.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)
        self._running = self._newest = None

    @property
    def waits(self) -> bool:
        """Whether what was read waits for an answer that comes before its own."""
        return bool(self.pipeline or self._unparsed)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        self._heard = self.loop.time()
        if len(data) > _PIECE_BYTES or self.waits:
            self._unparsed += data
            self._parse_pieces()
        else:
            self._parse(data)

    def _parse_pieces(self) -> None:
        """Parse what was read until a request has to wait; the rest when none does any more."""
        data, self._unparsed, at = self._unparsed, b"", 0
        while at < len(data) and not self.pipeline and not self._is_deaf:
            self._parse(data[at : at + _PIECE_BYTES])
            at += _PIECE_BYTES
        if self._is_deaf:
            return
        self._unparsed = data[at:]
        if self._unparsed:
            self.flow.pause_reading()

    def _parse(self, data: bytes) -> None:
        parser = self.parser
        if parser is None:
            return
        self._read_bytes = len(data)
        if self._in_head:
            if not self._head_bytes:
                self._began = self._heard
            self._head_bytes += len(data)
        elif self._is_chunked:
            self._framed_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # Nothing else is spoken here.
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, _Refused) else MALFORMED)
            return
        if self._in_head:
            if self._head_bytes > self._max_head:
                self._refuse(LARGE_HEAD)
        elif self._framed_bytes > self._max_head + _FRAMING_A_BYTE * self._body_bytes:
            self._refuse(LARGE_FRAMING)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return
        name = name.lower()
        if name in _CHECKED:
            self._check(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()  # pyright: ignore[reportOptionalMemberAccess]
        if version not in ("1.1", "1.0"):
            raise _Refused(NO_SUCH_VERSION)
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise _Refused(BAD_HOST)
        if self._is_chunked and version == "1.0":
            raise _Refused(NO_SUCH_CODING)
        if self._head_bytes > self._max_head or self._read_bytes > self._max_head:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._max_head:
                raise _Refused(LARGE_HEAD)
        super().on_headers_complete()
        self._newest = self.cycle
        if not self.pipeline:
            self._running = self.cycle
        self._in_head = False
        self._body_bytes = self._framed_bytes = 0

    def on_body(self, body: bytes) -> None:
        """As uvicorn's own, which is not called: each call of a base class costs a request."""
        cycle = self.cycle
        self._body_bytes += len(body)
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()
        elif self._body_bytes > _UNWANTED_BYTES:
            self.transport.abort()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        self._in_head, self._is_chunked = True, False
        self._head_bytes = self._hosts = 0

    def on_response_complete(self) -> None:
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        super().on_response_complete()
        if self._unparsed and not self.pipeline:
            self._unset_keepalive_if_required()
            self.loop.call_soon(self._parse_pieces)

    def pause_writing(self) -> None:
        self._unread.begin(self.loop.time())
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread.end()
        super().resume_writing()

    def _check(self, name: bytes, value: bytes) -> None:
        """Take in a header that says how the request is framed, or whom it is for."""
        if name == b"host":
            self._hosts += 1
            if not _HOST.fullmatch(value):
                raise _Refused(BAD_HOST)
        elif name == b"content-length":
            if len(value) > len(str(2**63)):
                raise _Refused(BAD_LENGTH)
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif value.lower() != b"chunked" or self._is_chunked:
            raise _Refused(NO_SUCH_CODING)
        else:
            self._is_chunked = True

    def listen_anew(self) -> None:
        """Count silence from now on: until now nothing was listened to."""
        self._heard = self.loop.time()

    def _look(self) -> None:
        """Cut what keeps us waiting, or look again later."""
        now, newest = self.loop.time(), self._newest
        is_served = newest is None or newest.response_complete
        is_given_up = self.transport.is_closing() and not is_served
        if self._unread.is_too_long(now, is_given_up=is_given_up):
            self.transport.abort()
        elif self._is_deaf:
            pass  # The end is on its way.
        elif self._in_head and is_served and now - self._began > HEAD_S:
            if self._head_bytes:
                self._refuse(SLOW_HEAD)
            elif newest is None:
                self.transport.close()
        elif not self._in_head and not self.flow.read_paused and now - self._heard > BODY_IDLE_S:
            self._refuse(SLOW_BODY)
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)

    def _refuse(self, refusal: Refusal) -> None:
        """Read no more, and answer so; but where an earlier answer is owed, that is the last."""
        get_logger().debug("connection.refused", code=refusal.code)
        self._is_deaf = True
        broken = None if self._in_head else self._newest
        if broken is not None:
            # Its body never comes to an end.
            broken.disconnected = True
            broken.message_event.set()
            if broken.response_started:
                self.transport.close()
                return
            if broken is not self._running:
                self.pipeline.popleft()
        owed = self.pipeline[0][0] if self.pipeline else self._running
        if owed is not None and owed is not broken and not owed.response_complete:
            owed.keep_alive = False
            return
        self.transport.write(refusal.encoded())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # Closing with bytes unread resets the connection, and the answer may be lost with it.
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_S, self.transport.close)

    def _discard(self, number: int) -> None:
        self._discarded += number
        if self._discarded > _LINGER_BYTES:
            self.transport.abort()
