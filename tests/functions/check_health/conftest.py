"""A run of the job, without the pauses between its looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functions.check_health import probe
from tests.fakes.simulated import SimulatedProvider
from tests.functions.check_health.health_run import Health


@pytest.fixture(scope="module")
def provider() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as running:
        yield running


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PAUSES_S", (0.0, 0.0))


@pytest.fixture
def health(migrated_database_url: str, provider: SimulatedProvider) -> Health:
    provider.clear()
    return Health(migrated_database_url, provider.url)
