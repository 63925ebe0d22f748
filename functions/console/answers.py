"""What the console answers that is not a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.health.status_board import Board
from shared.health.status_history import Span


class SpanAnswer(msgspec.Struct, frozen=True):
    """`uptime` is the share of the checks that answered, 0 to 1; null without any."""

    began_at: datetime
    checks: int
    uptime: float | None


class ProviderAnswer(msgspec.Struct, frozen=True):
    """`status` is healthy, degraded, down or unknown; `paused` the models that live traffic found
    failing."""

    provider: str
    name: str
    status: str
    reason: str | None
    response_time_ms: int | None
    checked_at: datetime | None
    paused: list[str]
    uptime_24h: float | None
    uptime_30d: float | None
    hours: list[SpanAnswer]
    days: list[SpanAnswer]


class IncidentAnswer(msgspec.Struct, frozen=True):
    """`ended_at` null: it goes on."""

    provider: str
    status: str
    reason: str | None
    began_at: datetime
    ended_at: datetime | None


class StatusAnswer(msgspec.Struct, frozen=True):
    """`status` is the worst of all; `has_past` false: uptime and incidents cannot be read now."""

    status: str
    has_past: bool
    data: list[ProviderAnswer]
    incidents: list[IncidentAnswer]
    object: str = "list"


class PlaygroundToken(msgspec.Struct, frozen=True):
    """An access token that ends by itself."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"PlaygroundToken({self.expires_at})"


def status_answer(board: Board) -> StatusAnswer:
    return StatusAnswer(
        status=board.status,
        has_past=board.has_past,
        data=[
            ProviderAnswer(
                provider=one.provider,
                name=one.name,
                status=one.status,
                reason=one.reason,
                response_time_ms=one.response_time_ms,
                checked_at=one.checked_at,
                paused=[*one.paused],
                uptime_24h=one.uptime_24h,
                uptime_30d=one.uptime_30d,
                hours=_spans(one.hours),
                days=_spans(one.days),
            )
            for one in board.providers
        ],
        incidents=[
            IncidentAnswer(one.provider, one.status, one.reason, one.began_at, one.ended_at)
            for one in board.incidents
        ],
    )


def _spans(spans: Sequence[Span]) -> list[SpanAnswer]:
    return [SpanAnswer(one.began_at, one.checks, one.uptime) for one in spans]
