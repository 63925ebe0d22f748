"""A key that does not open has the ring read again: at once, by one, and not too often."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from shared.auth.own_keys import open_own_key_anew
from shared.completion.targets import Targets
from shared.errors import PlatformKeyRefused, StoredKeyUnreadable
from shared.upstream.provider_url import owner_of
from shared.vault import refresh
from shared.vault.keyring import KeyRing, generate_key
from shared.vault.refresh import RingReader
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText
from tests.shared.routing import catalog

ONE, TWO, THREE = (generate_key() for _ in range(3))
KEY = SecretText("sk-test-1234567890abcdefghijklmnop")
PROVIDER = catalog.provider(1, "openai")


class Source:
    """A ring that changes elsewhere; `reads` is how often it was asked for."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.fails = False

    def read(self) -> KeyRing:
        self.reads += 1
        time.sleep(0.05)
        if self.fails:
            raise ValueError("Invalid encryption key: AWS could not be asked")
        return KeyRing(self.keys)


@pytest.fixture
def source() -> Source:
    return Source(TWO, ONE)


def sealed_with(*keys: str) -> str:
    return Vault(KeyRing(keys)).seal(owner_of("ann", PROVIDER), KEY).text


def test_what_another_process_sealed_with_a_new_key_opens_by_one_reading(source: Source) -> None:
    async def scene() -> None:
        vault = Vault(KeyRing([ONE]), source.read)
        sealed = sealed_with(TWO, ONE)
        opened = await asyncio.gather(
            *(open_own_key_anew(vault, "ann", sealed, PROVIDER) for _ in range(20))
        )
        assert opened == [KEY] * 20

    asyncio.run(scene())
    assert source.reads == 1


def test_what_does_not_open_with_the_new_ring_either_is_refused_and_costs_one_reading(
    source: Source,
) -> None:
    async def scene() -> None:
        vault = Vault(KeyRing([ONE]), source.read)
        sealed = sealed_with(THREE)
        for _ in range(5):
            with pytest.raises(StoredKeyUnreadable):
                await open_own_key_anew(vault, "ann", sealed, PROVIDER)

    asyncio.run(scene())
    assert source.reads == 1


def test_it_is_read_again_once_the_pause_is_over(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "AT_MOST_EVERY_S", 0.2)

    async def scene() -> list[bool]:
        reader = RingReader(KeyRing([ONE]), source.read)
        found = [await reader.learn(), await reader.learn()]
        source.keys.insert(0, THREE)
        await asyncio.sleep(0.25)
        return [*found, await reader.learn()]

    assert asyncio.run(scene()) == [True, False, True]


def test_a_source_that_cannot_be_read_leaves_the_ring_and_the_refusal(source: Source) -> None:
    source.fails = True

    async def scene() -> None:
        vault = Vault(KeyRing([ONE]), source.read)
        with pytest.raises(StoredKeyUnreadable):
            await open_own_key_anew(vault, "ann", sealed_with(TWO), PROVIDER)
        assert vault.ring.ids == KeyRing([ONE]).ids

    asyncio.run(scene())


def test_the_environments_ring_is_never_read_again() -> None:
    assert asyncio.run(RingReader(KeyRing([ONE])).learn()) is False


@pytest.mark.parametrize("error", [StoredKeyUnreadable, PlatformKeyRefused])
def test_a_completion_opens_its_target_with_the_new_ring(
    source: Source, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    vault = Vault(KeyRing([ONE]), source.read)
    access: Any = None
    targets = Targets(access=access, litellm=None, vault=vault)

    def to(_provider: object, _key: object) -> str:
        if len(vault.ring.ids) == 1:
            raise error("openai", "does not open")
        return "a target"

    monkeypatch.setattr(targets, "to", to)
    candidate: Any = SimpleNamespace(model=SimpleNamespace(provider=None), key=None)
    assert asyncio.run(targets.opened(candidate)) == "a target"
