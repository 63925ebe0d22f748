"""One HTTP/1.1 connection to an upstream, one request at a time (RFC 9112)."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from shared.upstream.alarm import Alarm
from shared.upstream.faults import (
    ConnectionCut,
    DeadlineReached,
    ProtocolViolation,
    TransportFault,
    Unanswered,
)
from shared.upstream.limits import Limits
from shared.upstream.request import UpstreamRequest, head_of
from shared.upstream.response import UpstreamResponse


class Keeper(Protocol):
    """The pool, as a connection sees it."""

    def release(self, connection: Connection) -> None: ...
    def forget(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Used for one request after the other, each by `exchange`; between them it `rest`s."""

    __slots__ = (
        "_alarm",
        "_answer",
        "_deadline",
        "_frames_end",
        "_framing_bytes",
        "_has_head",
        "_head",
        "_heard",
        "_is_done",
        "_is_head_checked",
        "_is_head_request",
        "_is_interim",
        "_is_unsent",
        "_keeper",
        "_limits",
        "_loop",
        "_must_close",
        "_parser",
        "_resting_since",
        "_sent_at",
        "_transport",
        "_uses",
    )

    def __init__(self, keeper: Keeper, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._keeper = keeper
        self._limits = limits
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._alarm = Alarm(loop, due=self._due, ring=self._run_out)
        self._answer: UpstreamResponse | None = None
        self._head: asyncio.Future[UpstreamResponse] | None = None
        self._deadline = self._resting_since = self._sent_at = 0.0
        self._is_unsent = False
        self._uses = 0
        self._begin()

    @property
    def is_usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, outgoing: UpstreamRequest, deadline: float) -> UpstreamResponse:
        """Send, and wait for the head of the answer.

        Raises Unanswered on a reused connection that turned out to be closed, else TransportFault.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Unanswered("the connection was closed")
        self._begin()
        self._uses += 1
        self._deadline = deadline
        self._is_head_request = outgoing.method == b"HEAD"
        answer = self._answer = UpstreamResponse(self, self._limits, self._loop)
        head = self._head = self._loop.create_future()
        self._sent_at = self._loop.time()
        self._send(transport, outgoing)
        self._alarm.ring_by(self._due())
        # A short answer is complete before this task runs again, and the connection may by then
        # serve another request: from here on, touch only what is still this one's.
        try:
            return await head
        except asyncio.CancelledError:
            if self._answer is answer:
                self._fail(ConnectionCut("the request was cancelled"))
            raise

    def rest(self) -> None:
        """Wait in the pool, for `keep_alive_s` at most."""
        self._resting_since = self._loop.time()
        self._alarm.ring_by(self._due())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        if self.is_usable:
            cast(asyncio.Transport, self._transport).pause_reading()

    def resume(self) -> None:
        if self.is_usable:
            cast(asyncio.Transport, self._transport).resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self._is_unsent = True

    def resume_writing(self) -> None:
        self._is_unsent = False
        self._sent_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # Nobody asked for these bytes: an answer to come could be mistaken for another's.
            self.abort()
            return
        self._heard = True
        self._framing_bytes += len(data)
        try:
            self._parser.feed_data(data)
            self._check_framing()
        except httptools.HttpParserUpgrade:
            self._fail(ProtocolViolation("the upstream switched protocols"))
        except httptools.HttpParserError as error:
            if self._is_done:
                self._must_close = True
            else:
                self._fail(_cause(error))
        if self._is_done:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._alarm.cancel()
        self._transport = None
        answer = self._answer
        if answer is not None:
            if self._has_head and self._frames_end and exc is None:
                self._answer = None
                answer.complete()
            elif self._may_send_again():
                self._fail(Unanswered("the upstream closed an idle connection"))
            else:
                self._fail(ConnectionCut("the upstream closed the connection"))
        self._keeper.forget(self)

    def on_message_begin(self) -> None:
        if self._is_done:
            self._must_close = True

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._answer
        if answer is None or self._is_done:
            return
        if self._has_head:
            # A trailer (RFC 9112, section 7.1.2): nothing we read depends on one.
            return
        name = name.lower()
        if name == b"content-encoding":
            answer.is_encoded = True
        elif name in {b"content-length", b"transfer-encoding"}:
            self._frames_end = False
        # llhttp leaves blanks at the end, which are no part of a value (RFC 9110, section 5.5).
        answer.headers.append((name, value.rstrip(b" \t")))
        if len(answer.headers) * 32 > self._limits.head_bytes:
            raise ProtocolViolation("the answer has too many headers")

    def on_headers_complete(self) -> None:
        answer = self._answer
        if answer is None or self._is_done:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._is_interim = True
            return
        self._has_head = True
        answer.status = status
        head, self._head = self._head, None
        if head is not None and not head.done():
            head.set_result(answer)
        if self._is_head_request:
            self._is_done = True
            self._must_close = True

    def on_body(self, body: bytes) -> None:
        self._framing_bytes = 0
        if self._answer is not None and not self._is_done:
            self._answer.feed(body)

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
            self._frames_end = True
            if self._answer is not None:
                self._answer.headers.clear()
        else:
            self._is_done = True
            # Asked here: after this callback llhttp has forgotten the answer's headers.
            self._must_close |= not self._parser.should_keep_alive()

    def _may_send_again(self) -> bool:
        """Whether the upstream cannot have begun to work on the request."""
        if self._heard or self._uses < 2:
            return False
        return self._is_unsent or self._loop.time() - self._sent_at <= self._limits.resend_s

    def _begin(self) -> None:
        self._heard = self._has_head = self._is_done = self._is_interim = self._must_close = False
        self._is_head_request = False
        # Until a header says how long the body is, the connection's end ends it.
        self._frames_end = True
        self._is_head_checked = False
        self._framing_bytes = 0

    def _send(self, transport: asyncio.Transport, outgoing: UpstreamRequest) -> None:
        head = head_of(outgoing)
        if len(outgoing.body) <= self._limits.head_bytes:
            transport.write(head + outgoing.body)
        else:
            transport.write(head)
            transport.write(outgoing.body)

    def _check_framing(self) -> None:
        """Cap what is not body: a head, and later chunk extensions and trailers on end.

        llhttp has no limit of its own, and httptools gathers a trailer's value in memory.
        """
        size = self._framing_bytes
        if self._has_head and not self._is_head_checked and self._answer is not None:
            self._is_head_checked = True
            if size > self._limits.head_bytes:
                # One read may hold the head and much of the body.
                size = sum(len(name) + len(value) + 4 for name, value in self._answer.headers)
            self._framing_bytes = 0
        if size > self._limits.head_bytes:
            self._fail(ProtocolViolation("the answer's head or trailers are too long"))

    def _finish(self) -> None:
        """The answer has come whole: back to the pool, unless something is odd."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        answer.complete()
        transport = self._transport
        if (
            transport is not None
            and not self._must_close
            and transport.get_write_buffer_size() == 0
            and not transport.is_closing()
        ):
            transport.resume_reading()
            self._keeper.release(self)
        else:
            self.abort()

    def _fail(self, fault: TransportFault) -> None:
        answer, self._answer = self._answer, None
        head, self._head = self._head, None
        if head is not None and not head.done():
            head.set_exception(fault)
        if answer is not None:
            answer.fail(fault)
        self.abort()

    def _due(self) -> float:
        """The loop's time at which the connection is dropped."""
        if self._answer is None:
            return self._resting_since + self._limits.keep_alive_s
        return self._deadline

    def _run_out(self) -> None:
        if self._answer is None:
            self.abort()
        else:
            self._fail(DeadlineReached("the request's deadline is reached"))


def _cause(error: httptools.HttpParserError) -> TransportFault:
    """What a callback raised comes wrapped by the parser."""
    cause = error.__context__
    if isinstance(cause, TransportFault):
        return cause
    return ProtocolViolation("the upstream's answer is not HTTP/1.1")
