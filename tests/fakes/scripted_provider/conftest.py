"""One simulated provider for all tests here, and a client that has a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.simulated import SimulatedProvider


@pytest.fixture(scope="session")
def simulated_server() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture
def provider(simulated_server: SimulatedProvider) -> SimulatedProvider:
    """Its log is empty."""
    simulated_server.clear()
    return simulated_server


@pytest.fixture
def client(provider: SimulatedProvider) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer sk-test-key-7890"}
    base = f"{provider.url}/some/prefix/v1"
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def anthropic(provider: SimulatedProvider) -> Iterator[httpx.Client]:
    headers = {"x-api-key": "sk-ant-test-7890", "anthropic-version": "2023-06-01"}
    base = f"{provider.url}/anthropic/v1"
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=5) as client:
        yield client
