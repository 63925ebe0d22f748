"""Which way the platform pays for a provider: a table."""

from __future__ import annotations

import pytest
from msgspec import structs

from shared.routing.snapshot import Provider
from shared.settings import (
    LiteLLMSettings,
    ProviderSettings,
    Settings,
    TryOutSettings,
    load_settings,
)
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.platform_keys import PlatformKeys, is_its_own
from tests.shared.routing.catalog import provider as made
from tests.shared.routing.catalog import snapshot

CATALOG = snapshot()
_OPENAI_URL = "https://api.openai.com/v1"
_SEVEN = made(1, "openai", base_url=_OPENAI_URL)
_CUSTOM = structs.replace(_SEVEN, slug="mine", litellm_prefix=None)
_PROXY = {"LITELLM_PROXY_URL": "http://litellm:4000"}
_KEY = {"OPENAI_API_KEY": "sk-of-the-operator"}
DIRECTLY, THROUGH_LITELLM = "directly", "through LiteLLM"
_SIMULATED = {"SWITCHYARD_SIMULATED_PROVIDER_URL": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("provider", "environment", "way"),
    [
        pytest.param(_SEVEN, {}, None, id="no key, no proxy"),
        pytest.param(_SEVEN, _KEY, DIRECTLY, id="a key"),
        pytest.param(_SEVEN, {**_KEY, **_PROXY}, DIRECTLY, id="a key goes before the proxy"),
        pytest.param(_SEVEN, _PROXY, THROUGH_LITELLM, id="the proxy"),
        pytest.param(_CUSTOM, _PROXY, None, id="the proxy knows no provider without a prefix"),
        pytest.param(
            structs.replace(_CUSTOM, auth_type="none"),
            _PROXY,
            DIRECTLY,
            id="a server that asks for no key",
        ),
        pytest.param(_SEVEN, {**_KEY, **_SIMULATED}, DIRECTLY, id="simulated for this run"),
        pytest.param(
            structs.replace(_SEVEN, base_url="https://evil.example/v1"),
            _KEY,
            None,
            id="a key does not follow its provider's row to another host",
        ),
        pytest.param(
            structs.replace(_SEVEN, base_url="https://evil.example/v1"),
            {**_KEY, "OPENAI_BASE_URL": "https://mine.example/v1"},
            DIRECTLY,
            id="a key goes where the environment says",
        ),
        pytest.param(_CUSTOM, _SIMULATED, None, id="a custom provider is never simulated"),
    ],
)
@pytest.mark.usefixtures("nothing_set")
def test_the_way_to_a_provider(
    provider: Provider, environment: dict[str, str], way: str | None
) -> None:
    settings = load_settings(ProviderSettings, LiteLLMSettings, TryOutSettings, **environment)
    access = access_with(settings)
    assert access.pays_directly(provider) is (way == DIRECTLY)
    assert access.pays_through_litellm(provider) is (way == THROUGH_LITELLM)
    assert bool(access.keyed(structs.replace(CATALOG, providers=(provider,)))) is (way is not None)


def access_with(settings: Settings) -> PlatformAccess:
    providers = settings[ProviderSettings]
    keys = PlatformKeys.from_settings(providers, vault=None)
    return PlatformAccess.from_settings(
        providers, settings[TryOutSettings], settings[LiteLLMSettings], keys
    )


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*_KEY, *_PROXY, *_SIMULATED, "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("nothing_set")
def test_the_keyed_are_known_anew_with_each_snapshot() -> None:
    settings = load_settings(ProviderSettings, LiteLLMSettings, TryOutSettings, **_KEY)
    access = access_with(settings)
    assert access.keyed(structs.replace(CATALOG, providers=(_SEVEN,))) == {"openai"}
    local = structs.replace(_CUSTOM, auth_type="none")
    assert access.keyed(structs.replace(CATALOG, providers=(local,))) == {"mine"}


@pytest.mark.parametrize(
    ("slug", "url", "is_so"),
    [
        ("openai", "https://api.openai.com/v1", True),
        ("openai", "https://eu.api.openai.com/v1", True),
        ("openai", "https://api.openai.com.evil.example/v1", False),
        ("openai", "https://evil-api.openai.com/v1", False),
        ("openai", "http://api.openai.com/v1", False),
        ("openai", "https://api.groq.com/openai/v1", False),
        ("together", "https://api.together.xyz/v1", True),
        ("mine", "https://api.openai.com/v1", False),
        ("openai", "https://api.openai.com@evil.example/v1", False),
    ],
)
def test_whose_host_it_is(slug: str, url: str, *, is_so: bool) -> None:
    assert is_its_own(slug, url) is is_so
