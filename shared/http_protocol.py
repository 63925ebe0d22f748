"""uvicorn's HTTP/1.1 with bounds on what a connection may send before anybody looks at a token.

`uvicorn --http shared.http_protocol:Bounded`. Apps work without it too, behind a proxy that holds
such bounds. Heads are checked as RFC 9112 asks of a server; a trailer is not a header. A client
that closes its half of the connection has hung up: TCP cannot tell the two apart.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import (
    HIGH_WATER_LIMIT,
    FlowControl,
    service_unavailable,
)
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.doors.hang_up import has_hung_up
from shared.doors.refusals import (
    LARGE_FRAMING,
    LARGE_HEAD,
    MALFORMED,
    SLOW_BODY,
    SLOW_HEAD,
    Refusal,
)
from shared.doors.unread import Unread
from shared.http_exchange import Exchange
from shared.http_head import CHECKED, Framing, Refused, read_target
from shared.log import get_logger
from shared.settings import NetworkSettings, load_settings

HEAD_S = 10.0
"""From a head's first byte to its last; and to the first byte of a connection."""
BODY_IDLE_S = 30.0
"""Without a byte of a body that is waited for."""
LOOK_EVERY_S = 1.0

# Few requests fit in so much: nothing is parsed further while one waits for its turn.
_PIECE_BYTES = 4096
_LINGER_S = 2.0
_LINGER_BYTES = 1 << 20
# Many clients send all of a body before they look whether it was refused.
_UNWANTED_BYTES = 32 << 20
# A chunk of one byte has five around it.
_FRAMING_A_BYTE = 8


@cache
def max_head_bytes() -> int:
    return load_settings(NetworkSettings)[NetworkSettings].max_head_bytes


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
        self._framing = Framing()
        self._is_deaf = False
        self._discarded = 0
        self._unparsed = b""
        self._began = self._heard = self._rests_since = 0.0
        self._target: bytes = b""
        self._parts: tuple[str, bytes, bytes] = ("", b"", b"")
        self._running: RequestResponseCycle | None = None
        self._newest: Exchange | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self)
        self._unread = Unread(transport)
        self._began = self._heard = self.loop.time()
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
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
        self._heard = self.loop.time()
        if len(data) > _PIECE_BYTES or self._unparsed or self.pipeline:
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
        elif self._framing.is_chunked:
            self._framed_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # Nothing else is spoken here.
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, Refused) else MALFORMED)
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
        if name in CHECKED:
            self._framing.take(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """In place of uvicorn's own, which parses the same target again for each request."""
        parser: Any = self.parser
        scope, before = self.scope, self._newest
        version = parser.get_http_version()
        self._framing.check(version)
        if self._head_bytes > self._max_head or self._read_bytes > self._max_head:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._max_head:
                raise Refused(LARGE_HEAD)
        self.expect_100_continue = self._framing.expects
        scope["method"] = parser.get_method().decode()
        scope["http_version"] = version
        if self.url != self._target:
            self._parts, self._target = read_target(self.url, self.root_path), self.url
        scope["path"], scope["raw_path"], scope["query_string"] = self._parts
        keep_alive = version == "1.1" and parser.should_keep_alive()
        self.cycle = self._newest = cycle = Exchange(self, keep_alive=keep_alive)
        self._in_head = False
        self._body_bytes = self._framed_bytes = 0
        app = cast("Any", self.app)  # pyright: ignore[reportUnknownMemberType]
        if (most := self.limit_concurrency) is not None and (
            len(self.connections) >= most or len(self.tasks) >= most
        ):
            app = service_unavailable
        if before is None or before.response_complete:
            self._running = cycle
            self._start_asgi_task(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

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
        self._in_head = True
        self._head_bytes = 0
        self._framing.begin()

    def on_response_complete(self) -> None:
        """In place of uvicorn's own, which sets a timer for how long the connection may rest."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._rests_since = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._running = cycle
            self._start_asgi_task(cycle, app)
        if self._unparsed and not self.pipeline:
            self.loop.call_soon(self._parse_pieces)

    def pause_writing(self) -> None:
        self._unread.begin(self.loop.time())
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread.end()
        super().resume_writing()

    def listen_anew(self) -> None:
        """Count silence from now on: until now nothing was listened to."""
        self._heard = self.loop.time()

    def _look(self) -> None:
        """Cut what keeps us waiting, or look again later."""
        now, newest = self.loop.time(), self._newest
        is_served = newest is None or newest.response_complete
        is_given_up = self.transport.is_closing() and not is_served
        is_gone = self.waits and has_hung_up(self.transport)
        if is_gone or self._unread.is_too_long(now, is_given_up=is_given_up):
            self.transport.abort()
        elif self._is_deaf:
            pass  # The end is on its way.
        elif self._in_head and is_served and self._head_bytes:
            if now - self._began > HEAD_S:
                self._refuse(SLOW_HEAD)
        elif self._in_head and is_served:
            rested, most = (now - self._rests_since, self.timeout_keep_alive)
            if newest is None:
                rested, most = now - self._began, HEAD_S
            if rested > most:
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
