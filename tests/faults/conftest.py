"""A deployment that a test may break, and a simulated provider that keeps count beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.embedded import EmbeddedValkey
from tests.fakes.gateway import Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.faults.ledger import Ledger


@pytest.fixture(scope="module")
def provider() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture
def simulated(provider: SimulatedProvider) -> SimulatedProvider:
    provider.clear()
    return provider


@pytest.fixture
def deployment(
    migrated_database_url: str,
    redis_url: str,
    shared_valkey: EmbeddedValkey,
    tmp_path: Path,
    simulated: SimulatedProvider,
) -> Deployment:
    return Deployment(
        database_url=migrated_database_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        simulated_url=simulated.url,
    )


@pytest.fixture
def ledger(migrated_database_url: str) -> Ledger:
    return Ledger(migrated_database_url)
