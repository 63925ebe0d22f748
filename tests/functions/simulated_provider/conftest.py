"""The shipped provider, one for all tests here, and a client that has a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.uvicorn_server import UvicornServer

APP = "functions.simulated_provider.app:app"


@pytest.fixture(scope="session")
def provider() -> Iterator[UvicornServer]:
    # Every path needs a key: that one is asked for shows that it listens.
    with UvicornServer(APP, ready="/models", ready_status=401) as running:
        yield running


@pytest.fixture
def client(provider: UvicornServer) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer sk-test-key-7890"}
    base = f"{provider.url}/some/prefix/v1"
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def anthropic(provider: UvicornServer) -> Iterator[httpx.Client]:
    headers = {"x-api-key": "sk-ant-test-7890", "anthropic-version": "2023-06-01"}
    base = f"{provider.url}/anthropic/v1"
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=5) as client:
        yield client
