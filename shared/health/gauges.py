"""Provider health as gauges: one for each provider and status, 1 where it is so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress

from shared.catalog.watch import SnapshotKeeper
from shared.errors import NotReady
from shared.metrics import PROVIDER_CHECK_SECONDS, PROVIDER_HEALTH
from shared.resources import opener
from shared.routing.snapshot import Health, Snapshot


class HealthGauges:
    """Keeps the gauges as the snapshot is."""

    def __init__(self, keeper: SnapshotKeeper) -> None:
        self._keeper = keeper
        keeper.on_change("catalogue", self._set)
        with suppress(NotReady):  # then the first snapshot sets them
            self._set()

    def _set(self) -> None:
        set_gauges(self._keeper.snapshot)


@opener
async def open_health_gauges(keeper: SnapshotKeeper) -> AsyncGenerator[HealthGauges]:
    yield HealthGauges(keeper)


def set_gauges(snapshot: Snapshot) -> None:
    for provider in snapshot.providers:
        for status in Health:
            is_so = provider.health is status
            PROVIDER_HEALTH.labels(provider.slug, status.value).set(1 if is_so else 0)
        if provider.health_response_time_ms is not None:
            took_s = provider.health_response_time_ms / 1000
            PROVIDER_CHECK_SECONDS.labels(provider.slug).set(took_s)
