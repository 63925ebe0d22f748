"""What a change would have done is said of requests whose own choice comes out as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from shared.replay.decide import Moved, Outcome, Ways, outcome_of
from shared.routing.aliases import Alias, Target
from shared.routing.snapshot import Snapshot, with_rule
from tests.shared.replay.requests import past
from tests.shared.routing.catalog import FLASH, MODELS, SLUGS, TERRA, price, rule, snapshot

WAYS = Ways(frozenset(SLUGS), refuses_unpriced=False)
BEFORE = snapshot()
TO_FLASH = with_rule(BEFORE, rule(0, FLASH, "balanced", priority=9))


def tried(after: Snapshot, *rows: Any, before: Snapshot = BEFORE) -> Outcome:
    return outcome_of(rows or (past(),), before, after, WAYS)


def test_a_rule_moves_what_it_takes_and_tells_what_that_costs() -> None:
    done = tried(TO_FLASH, past(), past(), past(model_requested="openai/gpt-6.1-terra"))
    assert (done.seen, done.decided, done.refused) == (3, 3, 0)
    assert done.moved == [Moved("openai/gpt-6.1-terra", "google/gemini-3.8-flash", 2)]
    # 1,000 and 200 tokens at 1 and 5 USD a million, or at 0.75 and 3.75.
    assert (done.was_usd, done.would_be_usd) == (Decimal("0.006"), Decimal("0.005"))


def test_no_change_moves_nothing() -> None:
    done = tried(BEFORE)
    assert (done.decided, done.moved, done.was_usd) == (1, [], done.would_be_usd)


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "google", "model": "gemini-3.8-flash"},
        {"tier": None},
        {"used_byok": True},
        {"is_chat": False},
        {"model_requested": "gone-model"},
        {"allowed_models": ["eco"]},
    ],
)
def test_what_the_row_does_not_explain_is_not_decided(changes: dict[str, Any]) -> None:
    assert tried(TO_FLASH, past(**changes)).decided == 0


@pytest.mark.parametrize("asked", [None, "auto", "balanced"])
def test_a_level_is_asked_for_in_three_ways(asked: str | None) -> None:
    done = tried(TO_FLASH, past(model_requested=asked))
    assert [one.count for one in done.moved] == [1]


def test_a_price_moves_nothing_and_costs_another_sum() -> None:
    dearer = msgspec.structs.replace(TERRA, price=price(2, 10))
    models = tuple(dearer if one.id == TERRA.id else one for one in MODELS)
    done = tried(snapshot(models=models))
    assert (done.moved, done.was_usd, done.would_be_usd) == (
        *([], Decimal("0.002")),
        Decimal("0.004"),
    )


def test_an_alias_moves_what_asked_by_its_name() -> None:
    def named(target: str) -> Snapshot:
        aliases = (Alias("ours", (Target(target),)),)
        return msgspec.structs.replace(BEFORE, aliases=type(BEFORE.aliases)(aliases))

    row = past(model_requested="ours")
    done = tried(named("google/gemini-3.8-flash"), row, before=named("openai/gpt-6.1-terra"))
    assert [one.after for one in done.moved] == ["google/gemini-3.8-flash"]


def test_what_nothing_would_serve_is_refused_and_costs_nothing() -> None:
    without = snapshot(models=tuple(one for one in MODELS if one.id != TERRA.id))
    done = tried(without, past(model_requested="openai/gpt-6.1-terra"))
    assert (done.refused, done.moved, done.would_be_usd) == (1, [], Decimal(0))
