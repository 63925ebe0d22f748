"""What is known of a model that no row lists decides whether it is tried."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.errors import SwitchyardError
from shared.routing.choose import choose
from shared.routing.fit import DropReason, RoutingRequest, why_unfit
from shared.routing.known_models import Facts, KnownModel, KnownModels
from shared.routing.open_catalog import UNLISTED
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Tier
from tests.shared.routing import catalog

FACTS = [
    Facts("gpt-chat", tools=True, vision=True, json=True, max_tokens=4096),
    Facts("gpt-plain", tools=False, vision=False, json=False, files=False, audio=False),
    Facts("gpt-silent"),
    Facts("text-embedding-9", kind="embedding", dimensions=1536),  # type: ignore[arg-type]
    Facts("gpt-image-9", kind="other"),  # type: ignore[arg-type]
]
KNOWN = KnownModels(
    [
        KnownModel("openai", (one.id,), price=catalog.price(1, 2), ids=(one.id,))
        for one in FACTS[:-1]
    ],
    {("openai", one.id): one for one in FACTS},
)
SNAPSHOT = catalog.snapshot(known=KNOWN)
OWN = (OwnKey(70, "openai"),)


def answer(name: str, **want: Any) -> str:
    plain = RoutingRequest((name,), None, Tier.FREE, frozenset({"openai"}))
    try:
        choice = choose(SNAPSHOT, msgspec.structs.replace(plain, **want))
    except SwitchyardError as error:
        return error.code
    return choice.candidates[0].model.model_id


ASKS = ("tools", "vision", "json_mode", "files", "audio")


@pytest.mark.parametrize("asks", ASKS)
def test_what_is_known_to_be_missing_is_refused_and_what_is_not_known_is_tried(asks: str) -> None:
    assert answer("gpt-plain", **{asks: True}) == "no_candidate"
    assert answer("gpt-silent", **{asks: True}) == "gpt-silent"
    assert answer("gpt-chat", **{asks: True}) == "gpt-chat"


@pytest.mark.parametrize("name", ["text-embedding-9", "openai/text-embedding-9", "gpt-image-9"])
@pytest.mark.parametrize("own_keys", [(), OWN], ids=["the platform's key", "an own key"])
def test_only_a_chat_model_is_opened_for_chat(name: str, own_keys: tuple[OwnKey, ...]) -> None:
    assert answer(name, own_keys=own_keys) == "not_a_chat_model"


def test_the_longest_answer_is_known() -> None:
    choice = choose(SNAPSHOT, RoutingRequest(("gpt-chat",), None, Tier.FREE, frozenset({"openai"})))
    assert choice.candidates[0].model.max_tokens == 4096


def test_a_schema_can_be_carried_where_json_without_one_cannot() -> None:
    """Messages have `output_config.format` alone: a row says nothing of schemas there."""
    messages = msgspec.structs.replace(catalog.ANTHROPIC, dialect="anthropic")
    for model, carries in (
        (msgspec.structs.replace(catalog.OPUS, provider=messages, supports_json_mode=False), True),
        (msgspec.structs.replace(catalog.OPUS, supports_json_mode=False), False),
        (
            msgspec.structs.replace(
                catalog.OPUS, id=UNLISTED, provider=messages, supports_json_mode=False
            ),
            False,
        ),
    ):
        plain = RoutingRequest((), None, Tier.ENTERPRISE, frozenset({"anthropic"}), json_mode=True)
        assert why_unfit(model, plain) is DropReason.NO_JSON_MODE
        schema = msgspec.structs.replace(plain, json_schema=True)
        assert why_unfit(model, schema) is (None if carries else DropReason.NO_JSON_MODE)
