"""A provider is spoken to in one way, whoever asks: where and how its row says."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from functions.check_health.probe import probe_all
from shared.auth.key_check import KeyChecks
from shared.completion.targets import Targets
from shared.routing.snapshot import Provider
from shared.upstream.faults import ConnectFailed
from shared.upstream.origin import parse_url
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.provider_admin import Probe
from shared.upstream.provider_url import ProviderUrls
from shared.upstream.transport import UpstreamRequest
from shared.vault.secret import SecretText
from shared.wire.dialect import dialect_of
from tests.architecture.tree import modules
from tests.shared.routing import catalog

KEY = "a-good-key"


class Wire:
    """A transport that notes what it is asked to send, and reaches nobody."""

    def __init__(self) -> None:
        self.sent: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest, *, deadline: float) -> Any:
        self.sent.append(request)
        raise ConnectFailed("nobody is there")


def access_to(urls: ProviderUrls) -> PlatformAccess:
    keys: Any = SimpleNamespace(
        of=lambda _: SecretText(KEY), has=lambda _: True, from_environment=lambda _: None
    )
    return PlatformAccess(keys=keys, urls=urls, has_litellm=False)


async def _check_a_key(wire: Any, urls: ProviderUrls, provider: Provider) -> None:
    await KeyChecks(wire, urls).check(provider, SecretText(KEY))


async def _check_health(wire: Any, urls: ProviderUrls, provider: Provider) -> None:
    await probe_all(wire, access_to(urls), [provider], pauses_s=())


async def _test_as_admin(wire: Any, urls: ProviderUrls, provider: Provider) -> None:
    async def refresh() -> Any:
        return SimpleNamespace(providers_by_slug={provider.slug: provider})

    keeper: Any = SimpleNamespace(refresh=refresh)
    await Probe(wire, access_to(urls), keeper).ask(provider.slug)


async def _complete(wire: Any, urls: ProviderUrls, provider: Provider) -> None:
    candidate: Any = SimpleNamespace(model=SimpleNamespace(provider=provider), key=None)
    vault: Any = None
    target = Targets(access=access_to(urls), litellm=None, vault=vault).of(candidate)
    wire.sent.append(
        UpstreamRequest(
            *(b"POST", target.origin, target.target, target.headers, b""),
            may_be_private=target.may_be_private,
        )
    )


ASKERS = [_check_a_key, _check_health, _test_as_admin, _complete]
URLS = ProviderUrls(base_urls={"named": "http://10.0.0.7:9000/v1/"}, simulated_url=None)


@pytest.mark.parametrize("ask", ASKERS)
@pytest.mark.parametrize(
    ("row", "header", "origin", "may_be_private"),
    [
        ({"auth_type": "bearer"}, b"authorization: Bearer ", "https://mine.example", False),
        ({"auth_type": "x-api-key"}, b"x-api-key: ", "https://mine.example", False),
        (
            {"dialect": "anthropic", "auth_type": "x-api-key"},
            *(b"x-api-key: ", "https://mine.example", False),
        ),
        (
            {"base_url": "http://10.0.0.9/api/", "is_local": True, "auth_type": "x-api-key"},
            *(b"x-api-key: ", "http://10.0.0.9", True),
        ),
        (
            {"slug": "named", "auth_type": "x-api-key"},
            *(b"x-api-key: ", "http://10.0.0.7:9000", True),
        ),
    ],
)
def test_whoever_asks_sends_the_key_where_and_how_the_row_says(
    ask: Callable[[Any, ProviderUrls, Provider], Awaitable[None]],
    row: dict[str, Any],
    header: bytes,
    origin: str,
    may_be_private: bool,
) -> None:
    plain = {"slug": "mine", "base_url": "https://mine.example/v1", **row}
    provider, wire = catalog.provider(1, **plain), Wire()
    asyncio.run(ask(wire, URLS, provider))  # pyright: ignore[reportArgumentType]
    (sent,) = wire.sent
    assert header + KEY.encode() + b"\r\n" in sent.headers
    assert sent.origin == parse_url(f"{origin}/v1")[0]
    assert sent.may_be_private is may_be_private


@pytest.mark.parametrize(
    "change",
    [
        {"auth_type": "x-api-key"},
        {"base_url": "https://mine.example/v2"},
        {"dialect": "anthropic"},
        {"is_local": True},
    ],
)
@pytest.mark.parametrize("is_own", [False, True])
def test_a_target_is_made_anew_once_its_row_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], is_own: bool
) -> None:
    from shared.completion import targets as room  # noqa: PLC0415

    monkeypatch.setattr(room, "open_own_key", lambda *_: SecretText(KEY))
    monkeypatch.setattr(room, "StoredKey", SimpleNamespace)
    key = SimpleNamespace(id=7, sealed="sealed", user_id="ann") if is_own else None
    vault: Any = None
    targets = Targets(access=access_to(URLS), litellm=None, vault=vault)

    def of(provider: Provider) -> Any:
        candidate: Any = SimpleNamespace(model=SimpleNamespace(provider=provider), key=key)
        return targets.of(candidate)

    before = catalog.provider(1, "mine")
    after = catalog.provider(1, "mine", **change)
    assert of(before) is of(catalog.provider(1, "mine"))
    first, second = of(before), of(after)
    assert first is not second
    assert second.may_be_private is (change.get("is_local") or False)


OWNERS = {
    "dialect_of": {
        *("shared/upstream/provider_url.py", "shared/upstream/litellm.py"),
        *("shared/wire/dialect.py",),
    },
    ".auth_type": {
        *("shared/upstream/provider_url.py", "shared/upstream/platform_access.py"),
        *("shared/completion/targets.py", "shared/migrate/older_columns.py"),
    },
}


@pytest.mark.parametrize("name", OWNERS)
def test_one_module_makes_of_a_row_how_its_provider_is_spoken_to(name: str) -> None:
    """The others ask it, keep what it gave, or change the row."""
    users: set[str] = set()
    for module in modules("functions", "shared"):
        for node in ast.walk(module.syntax):
            is_read = isinstance(node, ast.Attribute) and "." + node.attr == name
            if is_read or (isinstance(node, ast.Name) and node.id == name):
                users.add(module.path)
    assert users <= OWNERS[name]


def test_nothing_of_a_row_can_be_forgotten_when_it_is_spoken_to() -> None:
    parameters = inspect.signature(dialect_of).parameters.values()
    assert all(one.default is one.empty for one in parameters)
