"""A streamed answer: the first event before the response starts, bytes relayed as they come.

Whatever ends the stream (its end, a cut, a client that hangs up, a shutdown), its usage is in the
spool before anything further is awaited: nothing that is cancelled can lose it.
"""

from __future__ import annotations

import asyncio
import time

from functions.chat_completions import settle
from functions.chat_completions.exchange import Exchange
from functions.chat_completions.settle import Books
from shared.errors import ProviderUnavailable, StreamCut
from shared.log import get_logger
from shared.upstream.faults import TransportFault
from shared.upstream.transport import Answer
from shared.wire.dialect import Reader
from shared.wire.error_body import encode_error
from shared.wire.event_frames import EventTooLong

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that hung up; written to the row, never sent."""

_DRAIN_S = 1.0


async def first_events(exchange: Exchange, answer: Answer, reader: Reader) -> bytes:
    """Wait for the first whole events, while another provider may still be tried.

    Raises ProviderUnavailable for an error in the stream or an end before its first event.
    """
    provider = exchange.candidate.model.provider.slug
    content_type = answer.header(b"content-type") or b""
    if not content_type.startswith(b"text/event-stream"):
        raise ProviderUnavailable(provider, f"{provider} did not answer with a stream.")
    while True:
        data = await answer.next()
        if data is None:
            raise ProviderUnavailable(provider, f"{provider} closed the stream before it began.")
        try:
            head = reader.feed(data)
        except EventTooLong as error:
            raise ProviderUnavailable(provider, f"{provider} sent an endless event.") from error
        if reader.has_error:
            raise ProviderUnavailable(provider, f"{provider} reported an error in its stream.")
        if head or reader.is_finished:
            exchange.first_byte_at = time.perf_counter()
            exchange.upstream_s += exchange.first_byte_at - exchange.attempt_started
            return head


async def relay(
    exchange: Exchange, answer: Answer, reader: Reader, head: bytes, books: Books
) -> None:
    """Send the stream on, and its usage to the spool before its last byte."""
    hang_up = asyncio.create_task(_watch(exchange, answer))
    settled = False
    try:
        exchange.response_started = True
        await exchange.send(settle.stream_start(exchange))
        problem = await _pump(exchange, answer, reader, head)
        settled = True
        if hang_up.done():
            settle.cut(exchange, reader, books, CLIENT_CLOSED_REQUEST, "client_disconnected")
            await books.confirm()
            return
        if problem is not None:
            settle.cut(exchange, reader, books, problem.status, problem.code)
            last = b"data: %b\n\n" % encode_error(problem)
        else:
            last = reader.end(settle.streamed(exchange, reader, books))
        await books.confirm()
        await exchange.send({"type": "http.response.body", "body": last, "more_body": False})
        await _drain(answer)
    finally:
        if not settled:
            settle.cut(exchange, reader, books, CLIENT_CLOSED_REQUEST, "cancelled")
        hang_up.cancel()
        answer.close()


async def _pump(
    exchange: Exchange, answer: Answer, reader: Reader, head: bytes
) -> StreamCut | None:
    """Relay until the stream ends; the error to tell the client where it ended badly."""
    provider = exchange.candidate.model.provider.slug
    try:
        out: bytes | None = head
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


async def _watch(exchange: Exchange, answer: Answer) -> None:
    """Close the upstream connection as soon as the client hangs up.

    A send to a client that is gone raises nothing under uvicorn, so it has to be asked for.
    """
    while True:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            answer.close()
            return


async def _drain(answer: Answer) -> None:
    """Read past [DONE] to the body's end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await answer.next() is not None:
                pass
    except (TimeoutError, TransportFault) as error:
        get_logger().debug("stream.not_drained", error=type(error).__name__)
