"""Whoever has a key of their own may name any model there; no name is a label for good."""

from __future__ import annotations

import asyncio

from shared.completion.report import GATHERED_S
from shared.metrics import render_metrics
from shared.routing.own_keys import OwnKey
from tests.shared.completion.room import Room, body_of
from tests.shared.routing import catalog

OWN = OwnKey(id=1, provider="openai")


def series(word: bytes) -> int:
    return sum(word in line for line in render_metrics(None)[0].splitlines())


def room() -> Room:
    model = catalog.model(1, catalog.provider(1, "openai"), "m1", "eco", price=catalog.price(1, 4))
    return Room(catalog.snapshot((model,), ()), own_keys=(OWN,))


async def completed(this: Room, names: list[str]) -> None:
    for name in names:
        assert b'"choices"' in await this.complete(body_of(model=f"openai/{name}"))
    await asyncio.sleep(2 * GATHERED_S)


def test_unlisted_models_share_one_label() -> None:
    this = room()
    asyncio.run(completed(this, ["unlisted-0"]))
    before = series(b'model="other"')
    asyncio.run(completed(this, [f"unlisted-{number}" for number in range(50)]))
    assert series(b"unlisted-") == 0
    assert series(b'model="other"') == before > 0
    assert [final.model_requested for final in this.spool.finals][-1] == "openai/unlisted-49"


def test_a_listed_model_has_a_label_of_its_own() -> None:
    asyncio.run(completed(room(), ["m1"]))
    assert series(b'model="m1"') > 0
