"""The free check says whether a provider answers and whether it takes the key, and is no call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared.errors import ProviderRejectedKey
from shared.upstream.check import CheckResult, check_provider
from shared.upstream.provider_url import ProviderUrls
from shared.upstream.transport import Transport
from tests.fakes.simulated import SimulatedProvider
from tests.shared.routing import catalog

PATHS = {
    "openai": "/v1",
    "anthropic": "/v1",
    "google": "/v1beta/openai",
    "groq": "/openai/v1",
    "fireworks": "/inference/v1",
    "together": "/v1",
    "openrouter": "/api/v1",
}


@pytest.fixture(scope="module")
def provider() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as running:
        yield running


def check(url: str, slug: str, key: str | None, timeout_s: float = 5.0) -> CheckResult:
    async def run() -> CheckResult:
        transport = Transport()
        try:
            dialect = "anthropic" if slug == "anthropic" else "openai"
            provider = catalog.provider(1, slug, base_url=url, dialect=dialect, is_local=True)
            endpoint = ProviderUrls(base_urls={}, simulated_url=None).of(provider)
            return await check_provider(transport, endpoint, key, timeout_s=timeout_s)
        finally:
            await transport.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize("slug", PATHS)
def test_a_good_key_is_taken_and_a_bad_one_blamed(provider: SimulatedProvider, slug: str) -> None:
    provider.clear()
    url = f"{provider.url}/{slug}{PATHS[slug]}"
    good = check(url, slug, "a-good-key")
    assert (good.status, good.refusal, good.is_reachable) == (200, None, True)
    for key in ("an-invalid-key", None):
        bad = check(url, slug, key)
        assert isinstance(bad.refusal, ProviderRejectedKey)
        assert bad.is_reachable
    assert {call["method"] for call in provider.calls()} == {"GET"}


def test_who_does_not_listen_is_not_reachable() -> None:
    result = check("http://127.0.0.1:9/v1", "openai", "a-good-key")
    assert (result.status, result.fault, result.is_reachable) == (None, "connect", False)


def test_a_key_that_no_header_can_carry_is_refused_unrepeated() -> None:
    with pytest.raises(ValueError, match="characters that a header cannot carry") as raised:
        check("http://127.0.0.1:9/v1", "openai", "sk-\nsecret")
    assert "secret" not in str(raised.value)
