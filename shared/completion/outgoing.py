"""What is sent to a provider: the caller's request in that provider's words."""

from __future__ import annotations

import msgspec

from shared.beside import HEAVY_BYTES, beside
from shared.completion.admit import Asked
from shared.completion.course import Course
from shared.completion.targets import Target
from shared.routing.choice import Candidate, Reason
from shared.routing.snapshot import PowerLevel
from shared.telemetry.trace_context import traceparent
from shared.upstream.request import UpstreamRequest
from shared.wire.chat.request import ChatRequest, raw_json
from shared.wire.request_headers import with_lines
from shared.wire.translated import Sending, Translated

_LIMITS_OF_ANSWERS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
# Python 3.11 looks a member up by a call, and this is asked in each request.
_NAMED = Reason.NAMED


async def written(
    asked: Asked, course: Course, target: Target
) -> tuple[UpstreamRequest, Translated]:
    """As `outgoing`; a large one is written beside the event loop."""
    asking = (
        *(asked, course.plan.choice.level, course.candidate, target),
        *(course.ceiling, len(course.attempts)),
    )
    fields = asked.chat.fields
    if len(fields.get("messages") or fields.get("input", b"")) <= HEAVY_BYTES:
        return outgoing(*asking)
    return await beside(outgoing, *asking)


def outgoing(
    asked: Asked,
    level: PowerLevel | None,
    candidate: Candidate,
    target: Target,
    ceiling: int | None = None,
    attempt: int = 0,
) -> tuple[UpstreamRequest, Translated]:
    """The request, and what became of the caller's.

    `level`: whose defaults hold where the caller said nothing. `ceiling`: the tokens of an answer
    that a budget pays for. `attempt`: which one it is, from 0. Raises InvalidField for a field that
    the provider cannot honor.
    """
    chat = asked.chat
    max_tokens = level.default_max_tokens if level else None
    if ceiling is None:
        ceiling = candidate.max_tokens
    if ceiling is not None:
        max_tokens = min(max_tokens or ceiling, ceiling)
        chat = _clamped(chat, ceiling)
    to = Sending(
        target.model_prefix + candidate.model.model_id,
        max_tokens,
        level.default_temperature if level else None,
        candidate.model.max_tokens,
        is_named=candidate.reason is _NAMED and not chat.models,
    )
    dialect = asked.wire.over(target.dialect, chat)
    translated = dialect.request(chat, to)
    headers = with_lines(target.headers, translated.head) if translated.head else target.headers
    if asked.trace is not None and (target.via is not None or candidate.model.provider.is_local):
        # Others have no use for it, and would learn which requests belong together.
        headers += traceparent(asked.request_id, attempt, asked.trace)
    request = UpstreamRequest(
        b"POST",
        target.origin,
        target.target if dialect.path == target.dialect.path else target.at(dialect.path),
        headers,
        translated.body,
        target.may_be_private,
        target.goes_direct,
    )
    return request, translated


def _clamped(chat: ChatRequest, max_tokens: int) -> ChatRequest:
    """The request with what `max_cost_usd` leaves for the answer, under the names it came with."""
    named = [name for name in _LIMITS_OF_ANSWERS if name in chat.fields]
    if chat.max_tokens is None or not named or chat.max_tokens <= max_tokens:
        return chat
    fields = {**chat.fields, **dict.fromkeys(named, raw_json(max_tokens))}
    return msgspec.structs.replace(chat, fields=fields, max_tokens=max_tokens)
