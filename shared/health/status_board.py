"""What anybody may be told of the providers now: one board a process, whoever many look at it.

What is now comes from the snapshot and the circuits, in memory. The past is read once a minute, by
one of those who ask. A board that has not changed is the same object, so that who renders it need
not do so again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

import msgspec
import psycopg

from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.errors import ServiceUnavailable
from shared.health.circuits import State
from shared.health.circuits_exchange import CircuitTable
from shared.health.status_history import History, Span, read_history, uptime
from shared.log import get_logger
from shared.resources import opener
from shared.routing.snapshot import Health, Provider

PAST_S = 60.0
"""How old the past may be."""
NOW_S = 1.0
"""How old what is now may be: a hundred pages that ask at once make one board."""


class ProviderStatus(msgspec.Struct, frozen=True):
    """`paused` are models that live traffic found failing, and that are left out for a while."""

    provider: str
    name: str
    status: str
    reason: str | None
    response_time_ms: int | None
    checked_at: datetime | None
    paused: tuple[str, ...]
    uptime_24h: float | None
    uptime_30d: float | None
    hours: Sequence[Span] = ()
    days: Sequence[Span] = ()


class Episode(msgspec.Struct, frozen=True):
    """An incident as it is told; `ended_at` None: it goes on."""

    provider: str
    name: str
    status: str
    reason: str | None
    began_at: datetime
    ended_at: datetime | None


class Board(msgspec.Struct, frozen=True):
    """`status` is the worst of all known ones; `has_past` false: it cannot be read."""

    status: str
    providers: tuple[ProviderStatus, ...]
    incidents: tuple[Episode, ...]
    has_past: bool


_NOTHING = History({}, {}, ())
_WORST = (Health.DOWN, Health.DEGRADED, Health.HEALTHY)


class StatusBoards:
    """Belongs to one event loop."""

    def __init__(self, database: Database, keeper: SnapshotKeeper, circuits: CircuitTable) -> None:
        self._database = database
        self._keeper = keeper
        self._circuits = circuits
        self._history: History | None = None
        self._asked_at = -PAST_S
        self._asking: asyncio.Task[None] | None = None
        self._board: Board | None = None
        self._made_at = -NOW_S

    async def board(self) -> Board:
        """Raises NotReady before there was a first snapshot; never for lack of the past."""
        now = time.monotonic()
        if self._board is not None and now - self._made_at < NOW_S:
            return self._board
        await self._learn_past(now)
        board = board_of(
            self._keeper.snapshot.providers, self._paused(), self._history or _NOTHING,
            has_past=self._history is not None,
        )  # fmt: skip
        self._made_at = now
        if board != self._board:
            self._board = board
        return self._board or board

    def _paused(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for slug, model_id, state in self._circuits.states():
            if state.state is State.OPEN:
                found.setdefault(slug, []).append(model_id or "models that are not listed")
        return {slug: tuple(sorted(models)) for slug, models in found.items()}

    async def _learn_past(self, now: float) -> None:
        if now - self._asked_at < PAST_S:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._read_past(), name="status.past")
        # What there is is shown at once, but for the first time.
        if self._history is None:
            await asyncio.wait([self._asking], timeout=2.0)

    async def _read_past(self) -> None:
        try:
            async with self._database.report() as connection:
                self._history = await read_history(connection, datetime.now(UTC))
        except (psycopg.Error, OSError, ServiceUnavailable) as error:
            get_logger().warning("status.past_not_read", error=type(error).__name__)
        finally:
            self._asked_at = time.monotonic()


def board_of(
    providers: Sequence[Provider],
    paused: dict[str, tuple[str, ...]],
    history: History,
    *,
    has_past: bool,
) -> Board:
    """Of the providers that are in use. Pure."""
    shown = [
        _status_of(one, paused.get(one.slug, ()), history) for one in providers if one.is_active
    ]
    by_id = {one.id: one for one in providers}
    episodes = tuple(
        Episode(
            by_id[one.provider_id].slug,
            by_id[one.provider_id].name,
            one.status,
            one.reason,
            one.began_at,
            one.ended_at,
        )
        for one in history.incidents
        if one.provider_id in by_id
    )
    known = {one.status for one in shown}
    worst = next((one.value for one in _WORST if one.value in known), Health.UNKNOWN.value)
    return Board(worst, tuple(shown), episodes, has_past)


def _status_of(provider: Provider, paused: tuple[str, ...], history: History) -> ProviderStatus:
    hours = history.hours.get(provider.id, ())
    days = history.days.get(provider.id, ())
    status, reason = provider.health, provider.health_reason
    if paused and status is not Health.DOWN:
        status = Health.DEGRADED
        reason = f"Live requests failed; paused for a while: {', '.join(paused)}"
    return ProviderStatus(
        provider=provider.slug,
        name=provider.name,
        status=status.value,
        reason=reason,
        response_time_ms=provider.health_response_time_ms,
        checked_at=provider.health_last_checked,
        paused=paused,
        uptime_24h=uptime(hours),
        uptime_30d=uptime(days),
        hours=hours,
        days=days,
    )


@opener
async def open_status_boards(
    database: Database, keeper: SnapshotKeeper, circuits: CircuitTable
) -> AsyncGenerator[StatusBoards]:
    yield StatusBoards(database, keeper, circuits)
