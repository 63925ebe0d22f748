"""When a caller's own key becomes invalid, and when it is looked at again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import psycopg
import pytest

from shared.auth.key_check import KeyCheck, KeyStatus
from shared.auth.own_keys import StoredKey
from shared.completion import own_key_watch
from shared.completion.own_key_watch import CHECK_EVERY_S, RECHECK_EVERY_S, OwnKeyWatch
from shared.errors import (
    ProviderDeniedModel,
    ProviderQuotaExhausted,
    ProviderRejectedKey,
)
from shared.vault.secret import SecretText
from tests.shared.routing.catalog import TERRA

KEY = StoredKey(id=7, provider="openai", user_id="alice", sealed="sealed")
INVALID_KEY = msgspec.structs.replace(KEY, is_refused=True)
OK, INVALID, UNVERIFIED = KeyStatus.OK, KeyStatus.INVALID, KeyStatus.UNVERIFIED


class Surroundings:
    """What the watch asks and tells: the check's outcomes in order, and what was done."""

    def __init__(self, *outcomes: KeyStatus) -> None:
        self.outcomes = list(outcomes)
        self.checks = 0
        self.refused: list[int] = []
        self.forgotten: list[str] = []
        self.written: list[str] = []
        self.is_away = False

    async def check(self, _provider: object, _key: object) -> KeyCheck:
        self.checks += 1
        return KeyCheck(self.outcomes.pop(0), None)

    def mark_refused(self, key: StoredKey) -> None:
        self.refused.append(key.id)

    def forget_user(self, user_id: str) -> None:
        self.forgotten.append(user_id)

    @asynccontextmanager
    async def connection(self, *_: object) -> AsyncIterator[Surroundings]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def execute(self, statement: str, values: Any = None) -> Surroundings:
        if self.is_away:
            raise psycopg.OperationalError("the database is away")
        if statement.startswith("UPDATE user_api_keys"):
            self.written.append(values[0])
        return self

    rowcount = 1


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(own_key_watch, "time", found)
    monkeypatch.setattr(own_key_watch, "open_own_key", lambda *_: SecretText("k"))
    return found


async def tell(watch: OwnKeyWatch, key: StoredKey, times: int = 1) -> None:
    for _ in range(times):
        watch.note(key, TERRA.provider, ProviderRejectedKey("openai", ""), "request")
        await asyncio.sleep(0.01)


def watch_of(around: Surroundings) -> OwnKeyWatch:
    anything = cast(Any, around)
    return OwnKeyWatch(anything, anything, anything, anything)


def test_refusals_against_a_check_that_passes_never_make_a_key_invalid(clock: Clock) -> None:
    around = Surroundings(OK, OK)

    async def main() -> None:
        watch = watch_of(around)
        await tell(watch, KEY, times=20)
        assert around.checks == 1
        clock.now += CHECK_EVERY_S
        await tell(watch, KEY, times=20)

    asyncio.run(main())
    assert (around.checks, around.refused, around.written) == (2, [], [])


def test_a_failed_check_makes_it_invalid_and_one_that_says_nothing_does_not(clock: Clock) -> None:
    around = Surroundings(UNVERIFIED, INVALID)

    async def main() -> None:
        watch = watch_of(around)
        await tell(watch, KEY)
        assert around.refused == []
        clock.now += CHECK_EVERY_S
        await tell(watch, KEY)

    asyncio.run(main())
    assert (around.refused, around.written) == ([7], ["invalid"])


def test_an_invalid_key_is_checked_again_now_and_then_and_becomes_good(clock: Clock) -> None:
    around = Surroundings(INVALID, UNVERIFIED, OK)

    async def main() -> None:
        watch = watch_of(around)
        await tell(watch, KEY)
        await tell(watch, INVALID_KEY, times=50)
        assert around.checks == 1
        for checks in (2, 3):
            clock.now += RECHECK_EVERY_S
            await tell(watch, INVALID_KEY, times=50)
            assert around.checks == checks

    asyncio.run(main())
    assert around.written == ["invalid", "ok"]
    assert around.forgotten == ["alice"], "and is used again from the next request on"


def test_a_model_denied_to_a_key_is_not_even_a_reason_to_check_it(clock: Clock) -> None:
    around = Surroundings()

    async def main() -> None:
        watch_of(around).note(KEY, TERRA.provider, ProviderDeniedModel("openai", ""), "request")
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert around.checks == 0


def test_what_could_not_be_written_is_written_at_the_next_refusal(clock: Clock) -> None:
    around = Surroundings()

    async def main() -> None:
        watch = watch_of(around)
        for around.is_away in (True, False, False):
            watch.note(KEY, TERRA.provider, ProviderQuotaExhausted("openai", ""), "request")
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert around.written == ["quota_exhausted"]
