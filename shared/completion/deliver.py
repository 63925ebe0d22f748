"""Gives the caller what was won: bills it, and then sends its last byte. There is no way back.

Whatever ends a stream (its end, a cut, a client that hangs up, a shutdown), its usage is in the
spool before anything further is awaited: nothing that is cancelled can lose it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from litestar.types import Send

from shared.completion import usage_rows
from shared.completion.admit import Asked
from shared.completion.client import CLIENT_CLOSED_REQUEST, Client
from shared.completion.course import Answered, Course, OpenStream, Won
from shared.completion.failures import refused
from shared.completion.frames import release_frames
from shared.completion.head import answer_headers
from shared.completion.take import silence
from shared.completion.usage_writer import UsageWriter
from shared.errors import StreamCut, UpstreamError
from shared.health.circuits_table import CircuitTable
from shared.ledger.record import UsageFinal
from shared.log import get_logger
from shared.upstream.faults import TransportFault
from shared.upstream.transport import UpstreamResponse
from shared.wire.metadata import AttemptNote, Metadata, encode_metadata, raw_usd, usd
from shared.wire.parse.sse import EventTooLong

_DRAIN_S = 1.0


class Delivery:
    """One a process."""

    def __init__(self, usage: UsageWriter, circuits: CircuitTable) -> None:
        self._usage = usage
        self._circuits = circuits

    def deliver(self, asked: Asked, won: Won, client: Client, send: Send) -> Awaitable[None]:
        if isinstance(won, OpenStream):
            return self._stream(asked, won, client, send)
        return self._json(asked, won, client, send)

    async def _json(self, asked: Asked, won: Answered, client: Client, send: Send) -> None:
        course = won.course
        outcome = usage_rows.answered(asked, won)
        if client.why_gone is not None:
            outcome = outcome._replace(status=CLIENT_CLOSED_REQUEST, error=client.why_gone)
        final = self._usage.write_final(asked, course, outcome)
        if self._usage.shipper is not None:
            await self._usage.confirm()
        if client.why_gone is not None:
            return
        body = asked.wire.splice(won.completion.body, _metadata(course, final))
        headers = answer_headers(
            *(asked, final.power_level, course.candidate, b"application/json"), course.hold
        )
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"x-switchyard-cost-usd", usd(final.cost_total_pico_usd).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _stream(self, asked: Asked, won: OpenStream, client: Client, send: Send) -> None:
        course, reader, answer = won.course, won.reader, won.answer
        settled = False
        try:
            await won.head.send()
            problem = await _pump(won, client, send)
            settled = True
            if client.why_gone is not None:
                self._cut(asked, won, CLIENT_CLOSED_REQUEST, client.why_gone)
                self._circuits.answered(course.candidate)
                await self._usage.confirm()
                return
            if problem is not None:
                self._cut(asked, won, problem.status, problem.code)
                self._circuits.failed(
                    course.candidate, problem, caller=asked.caller.user_id, status=answer.status
                )
                last = asked.wire.error_event(problem, asked.request_id, reader)
            else:
                final = self._usage.write_final(asked, course, usage_rows.streamed(asked, won))
                self._circuits.answered(course.candidate)
                last = reader.end(_metadata(course, final))
            await self._usage.confirm()
            await send({"type": "http.response.body", "body": last, "more_body": False})
            await _drain(answer)
        finally:
            if not settled:
                why = client.why_gone or "cancelled"
                self._cut(asked, won, CLIENT_CLOSED_REQUEST, why)
            answer.close()

    def _cut(self, asked: Asked, won: OpenStream, status: int, code: str) -> None:
        """Bill what came of a stream that was not delivered to its end."""
        outcome = usage_rows.cut_off(asked, won, status, code)
        self._usage.write_final(asked, won.course, outcome)


async def _pump(won: OpenStream, client: Client, send: Send) -> UpstreamError | None:
    """Relay until the stream ends; the error to tell the client where it ended badly.

    For a client that has left it is read on for its usage, until it ends or `client` ends it.
    """
    provider, reader = won.course.candidate.model.provider.slug, won.reader
    try:
        out, is_over, silent = won.first, False, 0
        while True:
            if out and client.why_gone is None:
                await send({"type": "http.response.body", "body": out, "more_body": True})
            if reader.error is not None:
                return refused(won.course.candidate, won.target, won.answer, reader.error)
            if reader.is_done or is_over:
                break
            data = await won.answer.next()
            is_over = data is None
            out = reader.close() if data is None else reader.feed(data)
            silent = silence(silent, data, out)
    except (TransportFault, EventTooLong) as error:
        get_logger().info("stream.cut", provider=provider, error=type(error).__name__)
        release_frames(error)
        return StreamCut(
            provider, f"The connection to {provider} was lost in the middle of the stream."
        )
    if reader.is_finished:
        return None
    return StreamCut(provider, f"{provider} ended the stream without finishing it.")


async def _drain(answer: UpstreamResponse) -> None:
    """Read past [DONE] to the body's end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await answer.next() is not None:
                pass
    except (TimeoutError, TransportFault) as error:
        get_logger().debug("stream.not_drained", error=type(error).__name__)
        release_frames(error)


def _metadata(course: Course, final: UsageFinal) -> bytes:
    model = course.candidate.model
    return encode_metadata(
        Metadata(
            request_id=final.request_id,
            provider_used=model.provider.slug,
            model_used=model.model_id,
            power_level=final.power_level,
            cost_incurred=raw_usd(final.cost_total_pico_usd),
            cost_quality=final.cost_quality,
            key_source="byok" if final.used_byok else "platform",
            billed_to=final.billed_to,
            was_fallback=final.was_fallback,
            attempts=[
                AttemptNote(one.provider, one.model, one.status, one.error, one.latency_ms, one.via)
                for one in final.attempts
            ],
            latency_ms=final.latency_ms,
            ttft_ms=final.ttft_ms,
            overhead_ms=(final.overhead_us or 0) / 1000,
            dropped_params=course.dropped_params,
            simulated=course.is_simulated,
            alias=course.plan.alias,
            stepped_down_from=course.plan.stepped_down_from,
            quote_id=final.quote_id,
            ignores_health=course.plan.choice.ignores_health,
        )
    )
