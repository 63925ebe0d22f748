"""Which way the platform pays for a provider: a table."""

from __future__ import annotations

import pytest
from msgspec import structs

from shared.settings import LiteLLMSettings, ProviderSettings, TryOutSettings, load_settings
from shared.upstream.platform_access import PlatformAccess, Way
from tests.shared.routing.catalogue import provider as made
from tests.shared.routing.catalogue import snapshot

CATALOGUE = snapshot()
_SEVEN = made(1, "openai")
_CUSTOM = structs.replace(_SEVEN, slug="mine", litellm_prefix=None)
_PROXY = {"LITELLM_PROXY_URL": "http://litellm:4000"}
_KEY = {"OPENAI_API_KEY": "sk-of-the-operator"}
_SIMULATED = {"SWITCHYARD_SIMULATED_PROVIDER_URL": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("provider", "environment", "way"),
    [
        pytest.param(_SEVEN, {}, None, id="no key, no proxy"),
        pytest.param(_SEVEN, _KEY, Way.KEY, id="a key"),
        pytest.param(_SEVEN, {**_KEY, **_PROXY}, Way.KEY, id="a key goes before the proxy"),
        pytest.param(_SEVEN, _PROXY, Way.LITELLM, id="the proxy"),
        pytest.param(_CUSTOM, _PROXY, None, id="the proxy knows no provider without a prefix"),
        pytest.param(
            structs.replace(_CUSTOM, auth_type="none"),
            _PROXY,
            Way.NO_KEY_NEEDED,
            id="a server that asks for no key",
        ),
        pytest.param(_SEVEN, {**_KEY, **_SIMULATED}, Way.SIMULATED, id="simulated for this run"),
        pytest.param(_CUSTOM, _SIMULATED, None, id="a custom provider is never simulated"),
    ],
)
@pytest.mark.usefixtures("nothing_set")
def test_the_way_to_a_provider(provider: object, environment: dict[str, str], way: object) -> None:
    settings = load_settings(ProviderSettings, LiteLLMSettings, TryOutSettings, **environment)
    access = PlatformAccess.from_settings(settings)
    assert access.way_to(provider) is way  # type: ignore[arg-type]


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*_KEY, *_PROXY, *_SIMULATED, "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("nothing_set")
def test_the_keyed_are_known_anew_with_each_snapshot() -> None:
    settings = load_settings(ProviderSettings, LiteLLMSettings, TryOutSettings, **_KEY)
    access = PlatformAccess.from_settings(settings)
    assert access.keyed(CATALOGUE) == {"openai"}
    local = structs.replace(_CUSTOM, auth_type="none")
    assert access.keyed(structs.replace(CATALOGUE, providers=(local,))) == {"mine"}
