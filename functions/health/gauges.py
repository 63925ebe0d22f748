"""Provider health as gauges: one for each provider and status, 1 where it is so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from shared.catalog.watch import SnapshotKeeper
from shared.errors import NotReady
from shared.metrics import PROVIDER_CHECK_SECONDS, PROVIDER_HEALTH
from shared.resources import Resources
from shared.routing.snapshot import Health, Snapshot


@asynccontextmanager
async def open_health_gauges(resources: Resources) -> AsyncGenerator[None]:
    """Keep the gauges as the snapshot is. Needs SnapshotKeeper."""
    keeper = resources.get(SnapshotKeeper)
    keeper.on_change("catalogue", lambda: set_gauges(keeper.snapshot))
    with suppress(NotReady):  # then the first snapshot sets them
        set_gauges(keeper.snapshot)
    yield


def set_gauges(snapshot: Snapshot) -> None:
    for provider in snapshot.providers:
        for status in Health:
            is_so = provider.health is status
            PROVIDER_HEALTH.labels(provider.slug, status.value).set(1 if is_so else 0)
        if provider.health_response_time_ms is not None:
            took_s = provider.health_response_time_ms / 1000
            PROVIDER_CHECK_SECONDS.labels(provider.slug).set(took_s)
