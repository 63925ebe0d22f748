"""Usage of one request: the INTENT before the call, the FINAL before the answer's last byte.

Everything here that writes to the spool is synchronous: once it is called it cannot be cancelled.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

import msgspec
from litestar.types import HTTPResponseStartEvent
from redis.exceptions import RedisError

from functions.chat_completions.exchange import Exchange
from functions.chat_completions.report import Reporter
from shared.errors import ModelUnpriced, SpoolFull
from shared.ledger.record import UsageFinal, UsageIntent
from shared.log import get_logger
from shared.pricing.charge import charge
from shared.spool.shipper import Shipper
from shared.spool.spool import Spool
from shared.wire.chat.answer import Completion, splice, text_bytes
from shared.wire.dialect import Reader
from shared.wire.metadata import AttemptNote, Metadata, encode_metadata, raw_usd, usd
from shared.wire.usage import Usage, estimate_tokens

_GRACE_S = 60.0
_CONFIRM_S = 5.0
_AGAIN_S = 1.0

Headers = list[tuple[bytes, bytes]]


class UsageWriter(NamedTuple):
    """Where what was used is written: for billing, and for the operator.

    `shipper` is there where the disk is ephemeral: then an answer ends once its usage was sent on.
    """

    spool: Spool
    reporter: Reporter
    shipper: Shipper | None = None
    refuses_unpriced: bool = False

    async def confirm(self) -> None:
        """Wait, where the disk is ephemeral, until what was written is sent on; 5 s at most."""
        if self.shipper is None:
            return
        try:
            await self.shipper.flush(_CONFIRM_S)
        except (RedisError, OSError) as error:
            # The answer was given and the shipper tries on; `intend` refuses what comes next.
            get_logger().error("usage.unconfirmed", error=type(error).__name__)

    async def send_again(self) -> None:
        """Where what was written before is not sent on yet, try it now, before `intend` refuses.

        A process that is frozen once it has refused would have no time for the shipper's own turn.
        """
        if self.shipper is not None and self.shipper.cannot_send:
            with suppress(RedisError, OSError):
                await self.shipper.flush(_AGAIN_S)


def _enter(exchange: Exchange, final: UsageFinal, books: UsageWriter) -> None:
    books.spool.final(final)
    exchange.is_settled = True
    model = exchange.candidate.model
    books.reporter.note(model.provider.slug, model.model_id, exchange.chat.stream, final)


def intend(exchange: Exchange, books: UsageWriter, deadline_s: float) -> None:
    """Write the INTENT, once a request; before each attempt.

    Raises SpoolFull where usage cannot be kept, ModelUnpriced where that is the operator's policy:
    then nothing may be sent upstream.
    """
    caller, model = exchange.caller, exchange.candidate.model
    if books.refuses_unpriced and model.price is None and exchange.candidate.key is None:
        raise ModelUnpriced(
            f"What '{model.model_id}' costs is not known; name another model, or store a key of"
            " your own for its provider.",
            param="model",
        )
    if exchange.intent is not None:
        return
    if books.shipper is not None and books.shipper.cannot_send:
        raise SpoolFull(
            "Usage cannot be recorded just now: what it is sent to is away.", retry_after_s=5.0
        )
    intent = UsageIntent(
        request_id=exchange.request_id,
        deadline_ms=int((time.time() + deadline_s + _GRACE_S) * 1000),
        user_id=caller.user_id,
        team_id=caller.team_id,
        access_token_id=caller.token_id,
        provider_id=model.provider.id,
        model_id=model.id or None,
        model_requested=exchange.chat.model,
        power_level=exchange.level,
        task_type=exchange.task_type,
        is_simulated=exchange.is_simulated,
        request_ip=exchange.client_ip,
        user_agent=exchange.user_agent,
        session_id=exchange.session_id,
    )
    books.spool.intent(intent)
    exchange.intent = intent


async def answered(exchange: Exchange, completion: Completion, books: UsageWriter) -> None:
    """Bill a JSON answer and send it, `_metadata` spliced in."""
    usage = completion.usage or _estimated(exchange, text_bytes(completion.body))
    final = _final(exchange, usage, 200, None, completion.model, completion.service_tier)
    _enter(exchange, final, books)
    await books.confirm()
    body = splice(completion.body, _metadata(exchange, final))
    headers = _headers(exchange, b"application/json")
    headers.append((b"content-length", b"%d" % len(body)))
    headers.append((b"x-switchyard-cost-usd", usd(final.cost_total_pico_usd).encode()))
    exchange.response_started = True
    await exchange.send({"type": "http.response.start", "status": 200, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body, "more_body": False})


def stream_start(exchange: Exchange) -> HTTPResponseStartEvent:
    headers = _headers(exchange, b"text/event-stream; charset=utf-8")
    headers.append((b"cache-control", b"no-cache"))
    headers.append((b"x-accel-buffering", b"no"))
    return {"type": "http.response.start", "status": 200, "headers": headers}


def streamed(exchange: Exchange, reader: Reader, books: UsageWriter) -> bytes:
    """Bill a stream that came to its end; returns the `_metadata` of its last event."""
    usage = reader.usage or _estimated(exchange, reader.delivered_text_bytes())
    exchange.end_attempt(200, None)
    final = _final(exchange, usage, 200, None, reader.model, reader.service_tier)
    _enter(exchange, final, books)
    return _metadata(exchange, final)


def cut(exchange: Exchange, reader: Reader, books: UsageWriter, status: int, code: str) -> None:
    """Bill what was delivered of a stream that did not come to its end."""
    usage = _usage_so_far(exchange, reader)
    exchange.end_attempt(200, None)
    final = _final(exchange, usage, status, code, reader.model, reader.service_tier)
    _enter(exchange, final, books)


def failed(exchange: Exchange, books: UsageWriter, *, status: int, code: str) -> None:
    """Close the INTENT of a request that no provider answered.

    A refusal costs nothing; where the connection broke after the request was sent, the cost is
    not known, which is not the same as zero.
    """
    if exchange.intent is None or exchange.is_settled:
        return
    if not exchange.reached_upstream:
        books.spool.drop(exchange.request_id)
        return
    usage = None if exchange.may_have_cost else Usage(0, 0)
    final = _final(exchange, usage, status, code, None, None)
    _enter(exchange, final, books)


def _usage_so_far(exchange: Exchange, reader: Reader) -> Usage:
    """What a stream that was cut has used: a count that came before its end may be behind."""
    delivered = _estimated(exchange, reader.delivered_text_bytes())
    usage = reader.usage
    if usage is None or reader.is_finished:
        return usage or delivered
    tokens = max(usage.completion_tokens, delivered.completion_tokens)
    return msgspec.structs.replace(usage, completion_tokens=tokens, is_estimated=True)


def _estimated(exchange: Exchange, delivered_bytes: int) -> Usage:
    return Usage(
        prompt_tokens=estimate_tokens(exchange.chat.prompt_bytes),
        completion_tokens=estimate_tokens(delivered_bytes),
        is_estimated=True,
    )


def _final(
    exchange: Exchange,
    usage: Usage | None,
    status: int,
    error: str | None,
    model_served: str | None,
    service_tier: str | None,
) -> UsageFinal:
    intent, model, key = exchange.intent, exchange.candidate.model, exchange.candidate.key
    if intent is None:
        raise RuntimeError("a FINAL without its INTENT")
    cost = charge(model.price, usage, service_tier)
    now = time.perf_counter()
    first_byte = exchange.first_byte_at
    return UsageFinal(
        request_id=intent.request_id,
        user_id=intent.user_id,
        team_id=intent.team_id,
        access_token_id=intent.access_token_id,
        user_key_id=key.id if key else None,
        provider_id=model.provider.id,
        model_id=model.id or None,
        model_requested=intent.model_requested,
        model_served=model_served,
        service_tier=service_tier,
        is_simulated=exchange.is_simulated,
        power_level=exchange.level,
        task_type=intent.task_type,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        total_tokens=usage.total_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cost_input_pico_usd=cost.input,
        cost_output_pico_usd=cost.output,
        cost_total_pico_usd=cost.total,
        cost_quality=cost.quality,
        price_version=cost.price_version,
        provider_cost_pico_usd=usage.provider_cost_pico_usd if usage else None,
        used_byok=key is not None,
        billed_to="user" if key else "platform",
        latency_ms=round((now - exchange.started) * 1000),
        ttft_ms=None if first_byte is None else round((first_byte - exchange.started) * 1000),
        overhead_us=_overhead_us(exchange, now),
        status_code=status,
        error_message=error,
        was_fallback=exchange.was_fallback,
        fallback_reason=exchange.fallback_reason,
        attempts=tuple(exchange.attempts),
        request_ip=intent.request_ip,
        user_agent=intent.user_agent,
        session_id=intent.session_id,
        cache_write_1h_tokens=usage.cache_write_1h_tokens if usage else None,
        prompt_audio_tokens=usage.prompt_audio_tokens if usage else None,
        completion_audio_tokens=usage.completion_audio_tokens if usage else None,
    )


def _overhead_us(exchange: Exchange, now: float) -> int:
    """Microseconds that were ours: up to the first byte of a stream, up to the end of a JSON."""
    until = exchange.first_byte_at or now
    return max(0, round((until - exchange.started - exchange.upstream_s) * 1e6))


def _metadata(exchange: Exchange, final: UsageFinal) -> bytes:
    model = exchange.candidate.model
    return encode_metadata(
        Metadata(
            request_id=exchange.request_id,
            provider_used=model.provider.slug,
            model_used=model.model_id,
            power_level=final.power_level,
            cost_incurred=raw_usd(final.cost_total_pico_usd),
            cost_quality=final.cost_quality,
            key_source="byok" if final.used_byok else "platform",
            billed_to=final.billed_to,
            was_fallback=final.was_fallback,
            attempts=tuple(
                AttemptNote(one.provider, one.model, one.status, one.error, one.latency_ms, one.via)
                for one in final.attempts
            ),
            latency_ms=final.latency_ms,
            ttft_ms=final.ttft_ms,
            overhead_ms=(final.overhead_us or 0) / 1000,
            dropped_params=exchange.dropped_params,
            simulated=exchange.is_simulated,
        )
    )


def _headers(exchange: Exchange, content_type: bytes) -> Headers:
    model = exchange.candidate.model
    request_id = exchange.request_id.encode()
    return [
        (b"content-type", content_type),
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"x-switchyard-provider", model.provider.slug.encode()),
        (b"x-switchyard-model", model.model_id.encode("latin-1", "replace")),
        (b"x-switchyard-power-level", (exchange.level or "").encode()),
    ]
