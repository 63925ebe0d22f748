"""A streamed answer: its first content before the response starts, bytes relayed as they come.

Whatever ends the stream (its end, a cut, a client that hangs up, a shutdown), its usage is in the
spool before anything further is awaited: nothing that is cancelled can lose it.
"""

from __future__ import annotations

import asyncio
import time

from functions.chat_completions import settle
from functions.chat_completions.exchange import Exchange
from functions.chat_completions.settle import UsageWriter
from shared.errors import ProviderUnavailable, StreamCut, SwitchyardError
from shared.log import get_logger
from shared.upstream.faults import TransportFault
from shared.upstream.transport import UpstreamResponse
from shared.wire.chat.first_content import has_content
from shared.wire.dialect import Reader
from shared.wire.error_body import encode_error
from shared.wire.sse import EventTooLong

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that hung up; written to the row, never sent."""

HOLD_S = 10.0
COMMENT_EVERY_S = 10.0

_DRAIN_S = 1.0
_MOST_HELD_BYTES = 64 * 1024
_COMMENT = b": waiting for the model\n\n"


class Head:
    """The head of a stream, held back so that an early error can still fall over.

    For HOLD_S at most: then it goes out, with a comment every COMMENT_EVERY_S until there is
    content, because platforms cut a request that is silent for 30 s. From then on what was begun
    is not begun again elsewhere.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.is_sent = False
        self._exchange = exchange
        self._comments: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(HOLD_S, self._begin)

    async def send(self) -> None:
        """Send it unless it is out, and no more comments. Cancelling it leaves it out."""
        await self.stop()
        if not self.is_sent:
            self.is_sent = self._exchange.response_started = True
            await self._exchange.send(settle.stream_start(self._exchange))

    async def end(self, error: SwitchyardError) -> None:
        """The error as the last event of a stream that had no content, and no [DONE]."""
        last = b"data: %b\n\n" % encode_error(error)
        await self._exchange.send({"type": "http.response.body", "body": last, "more_body": False})

    async def stop(self) -> None:
        self._timer.cancel()
        if self._comments is not None:
            self._comments.cancel()
            await asyncio.wait([self._comments])

    def _begin(self) -> None:
        self._exchange.response_started = True
        self._comments = asyncio.create_task(self._keep_alive())

    async def _keep_alive(self) -> None:
        self.is_sent = True
        await self._exchange.send(settle.stream_start(self._exchange))
        while True:
            await self._exchange.send(
                {"type": "http.response.body", "body": _COMMENT, "more_body": True}
            )
            await asyncio.sleep(COMMENT_EVERY_S)


async def first_content(exchange: Exchange, answer: UpstreamResponse, reader: Reader) -> bytes:
    """Wait until the model has said something, while another provider may still be tried.

    Raises ProviderUnavailable for an error in the stream or an end before that.
    """
    provider = exchange.candidate.model.provider.slug
    content_type = answer.header(b"content-type") or b""
    if not content_type.startswith(b"text/event-stream"):
        raise ProviderUnavailable(provider, f"{provider} did not answer with a stream.")
    held = b""
    while True:
        data = await answer.next()
        if data is None:
            raise ProviderUnavailable(provider, f"{provider} closed the stream before it began.")
        try:
            events = reader.feed(data)
        except EventTooLong as error:
            raise ProviderUnavailable(provider, f"{provider} sent an endless event.") from error
        if reader.has_error:
            raise ProviderUnavailable(provider, f"{provider} reported an error in its stream.")
        held += events
        if reader.is_finished or len(held) > _MOST_HELD_BYTES or has_content(events):
            exchange.first_byte_at = time.perf_counter()
            exchange.upstream_s += exchange.first_byte_at - exchange.attempt_started
            return held


async def relay(
    exchange: Exchange, answer: UpstreamResponse, reader: Reader, first: bytes, books: UsageWriter
) -> StreamCut | None:
    """Send the stream on, and its usage to the spool before its last byte; how it was cut."""
    hang_up = asyncio.create_task(_watch(exchange, answer))
    settled = False
    try:
        exchange.response_started = True
        await _head_of(exchange).send()
        problem = await _pump(exchange, answer, reader, first)
        settled = True
        if hang_up.done():
            settle.cut(exchange, reader, books, CLIENT_CLOSED_REQUEST, "client_disconnected")
            await books.confirm()
            return None
        if problem is not None:
            settle.cut(exchange, reader, books, problem.status, problem.code)
            last = b"data: %b\n\n" % encode_error(problem)
        else:
            last = reader.end(settle.streamed(exchange, reader, books))
        await books.confirm()
        await exchange.send({"type": "http.response.body", "body": last, "more_body": False})
        await _drain(answer)
        return problem
    finally:
        if not settled:
            settle.cut(exchange, reader, books, CLIENT_CLOSED_REQUEST, "cancelled")
        hang_up.cancel()
        answer.close()


def _head_of(exchange: Exchange) -> Head:
    if exchange.head is None:
        raise RuntimeError("a stream without a head")
    return exchange.head


async def _pump(
    exchange: Exchange, answer: UpstreamResponse, reader: Reader, first: bytes
) -> StreamCut | None:
    """Relay until the stream ends; the error to tell the client where it ended badly."""
    provider = exchange.candidate.model.provider.slug
    try:
        out: bytes | None = first
        while True:
            if out:
                await exchange.send({"type": "http.response.body", "body": out, "more_body": True})
            if reader.is_done:
                return None
            if reader.has_error:
                return StreamCut(provider, f"{provider} reported an error in its stream.")
            data = await answer.next()
            if data is None:
                break
            out = reader.feed(data)
    except (TransportFault, EventTooLong) as error:
        get_logger().info("stream.cut", provider=provider, error=type(error).__name__)
        return StreamCut(provider, f"The connection to {provider} was cut in the middle.")
    if reader.is_finished:
        return None
    return StreamCut(provider, f"{provider} ended the stream without finishing it.")


async def _watch(exchange: Exchange, answer: UpstreamResponse) -> None:
    """Close the upstream connection as soon as the client hangs up.

    A send to a client that is gone raises nothing under uvicorn, so it has to be asked for.
    """
    while True:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            answer.close()
            return


async def _drain(answer: UpstreamResponse) -> None:
    """Read past [DONE] to the body's end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await answer.next() is not None:
                pass
    except (TimeoutError, TransportFault) as error:
        get_logger().debug("stream.not_drained", error=type(error).__name__)
