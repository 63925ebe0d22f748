"""A choice takes no longer in a larger catalog: the size of the tables is not on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import msgspec
import pytest

from shared.completion.router import meant
from shared.errors import UnknownModel
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Snapshot, Tier
from tests.benchmarks.choice import PROVIDERS, large

NAMES = {
    "a listed model": "model-77",
    "an open model": "open-77",
    "a dated open model": "open-77-2026-08-06",
    "an open model at its provider": "openai/open-77",
    "an exact alias": "alias-7",
    "a name that nobody has": "mo-no-such-model",
}

KEYED = frozenset({"openai", *(f"p{n}" for n in range(PROVIDERS))})


def lines_of(act: Callable[[], object]) -> int:
    """Lines of Python that `act` runs: work that no busy machine changes."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(None)
    return count


def work(snapshot: Snapshot, name: str) -> int:
    plain = RoutingRequest((name,), None, Tier.ENTERPRISE, KEYED)

    def act() -> None:
        request, _ = meant(snapshot, plain, "session")
        # Another request than any before: nothing of it is remembered.
        request = msgspec.structs.replace(request, prompt_tokens=7)
        with suppress(UnknownModel):
            choose(snapshot, request)

    act()  # what is built once in the life of a snapshot
    return lines_of(act)


@pytest.fixture(scope="module")
def sizes() -> tuple[Snapshot, Snapshot]:
    return large(1_000, 500, 100), large(2_000, 1_000, 200)


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_tables_take_no_more_work(sizes: tuple[Snapshot, Snapshot], name: str) -> None:
    once, twice = (work(snapshot, NAMES[name]) for snapshot in sizes)
    assert once > 0
    assert twice < 1.5 * once
