"""Where the operator refuses what has no price, no door, no list and no forecast offers it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from functions.models.listing import entries, entry_of
from shared.errors import ModelUnpriced
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Opens, Tier
from tests.shared.completion.room import Room, body_of
from tests.shared.routing import catalog

REFUSES, SERVES = True, False
ANY_AT_OPENAI = msgspec.structs.replace(catalog.OPENAI, opens=Opens.ANY)
FREE_OF_PRICE = catalog.model(9, ANY_AT_OPENAI, "new-model", "balanced", price=None)
TERRA = msgspec.structs.replace(catalog.TERRA, provider=ANY_AT_OPENAI)
FACTS = KnownModels([KnownModel("openai", ("gpt-x",), price=None, ids=("gpt-x",))])
RULES = (
    catalog.rule(1, FREE_OF_PRICE, "balanced", priority=10),
    catalog.rule(2, TERRA, "balanced"),
)
OWN = OwnKey(7, "openai", UsePolicy.PREFER, PlatformFallback.ALWAYS)
SNAPSHOT = catalog.snapshot((FREE_OF_PRICE, TERRA), RULES, known=FACTS)
NAMES = ("new-model", "openai/new-model", "gpt-x", "openai/gpt-x", "never-heard-of-5")


def room(refuses: bool, own_keys: tuple[OwnKey, ...] = ()) -> Room:
    return Room(SNAPSHOT, refuses_unpriced=refuses, own_keys=own_keys)


def asking(refuses: bool, own_keys: tuple[OwnKey, ...] = ()) -> RoutingRequest:
    return RoutingRequest(
        *((), None, Tier.PROFESSIONAL, frozenset({"openai"}), own_keys),
        refuses_unpriced=refuses,
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_way_to_name_it_is_refused_by_its_name(name: str) -> None:
    answered = asyncio.run(room(SERVES).complete(body_of(model=name)))
    assert b'"choices"' in answered
    this = room(REFUSES)
    with pytest.raises(ModelUnpriced, match=name.removeprefix("openai/")) as refused:
        asyncio.run(this.route(body_of(model=name)))
    error = json.loads(asyncio.run(this.complete(body_of(model=name))))["error"]
    assert error["message"] == refused.value.message
    assert (error["param"], error["code"]) == ("model", "model_unpriced")
    assert (this.sent, this.spool.intents) == ([], [])
    found = entry_of(SNAPSHOT, asking(REFUSES), name)
    assert found is not None
    assert found.why_not == "model_unpriced"


@pytest.mark.parametrize(
    "asked", [{"power_level": "balanced"}, {"models": ["new-model", "gpt-6.1-terra"]}]
)
def test_where_there_is_a_choice_the_next_one_with_a_price_answers(asked: dict[str, Any]) -> None:
    assert asyncio.run(room(SERVES).route(body_of(**asked))).candidates[0].model == "new-model"
    this = room(REFUSES)
    told = asyncio.run(this.route(body_of(**asked)))
    assert told.candidates[0].model == "gpt-6.1-terra"
    assert ("new-model", "model_unpriced") in [(one.model, one.reason) for one in told.dropped]
    asyncio.run(this.complete(body_of(**asked)))
    assert [one.model.model_id for one in this.tried] == ["gpt-6.1-terra"]


@pytest.mark.parametrize("policy", list(UsePolicy))
def test_an_own_key_serves_it_and_the_platform_does_not_step_in(policy: UsePolicy) -> None:
    own = (msgspec.structs.replace(OWN, policy=policy),)
    told = asyncio.run(room(REFUSES, own).route(body_of(model="new-model")))
    assert [one.key_source for one in told.candidates] == ["byok"]
    if policy is not UsePolicy.ONLY:
        (dropped,) = told.dropped
        assert (dropped.reason, dropped.key_source) == ("model_unpriced", "platform")
    found = entry_of(SNAPSHOT, asking(REFUSES, own), "new-model")
    assert found is not None
    assert found.why_not is None


def test_the_list_has_it_only_among_what_cannot_be_used() -> None:
    for refuses, is_usable in ((SERVES, True), (REFUSES, False)):
        usable = {one.id for one in entries(SNAPSHOT, asking(refuses), all_of_it=False)}
        every = {one.id: one.why_not for one in entries(SNAPSHOT, asking(refuses), all_of_it=True)}
        for name in ("new-model", "gpt-x"):
            assert (name in usable) is is_usable
            assert every[name] == (None if is_usable else "model_unpriced")
        assert "gpt-6.1-terra" in usable
