"""What a provider's own list says of a model wins, and marks what it lacks."""

from __future__ import annotations

import pytest

from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import Facts, KnownModel, KnownModels
from shared.routing.offers import Offers
from shared.routing.open_catalog import OpenCatalog
from shared.routing.snapshot import Tier, build_snapshot
from tests.shared.routing import catalog

LIST = Offers(
    {
        "openai": [Facts("gpt-4o", context_window=64_000, tools=False), Facts("o3-2025-04-16")],
        "groq": [],
    }
)


@pytest.mark.parametrize(
    ("slug", "model_id", "lacks"),
    [
        ("openai", "gpt-4o", False),
        ("openai", "GPT-4o", False),
        ("openai", "gpt-4o-2024-08-06", False),
        ("openai", "o3", False),
        ("openai", "o3-latest", False),
        ("openai", "gpt-3", True),
        ("groq", "gpt-3", False),
        ("anthropic", "gpt-3", False),
    ],
)
def test_a_list_lacks_a_model(slug: str, model_id: str, lacks: bool) -> None:  # noqa: FBT001
    assert LIST.lacks(slug, model_id) is lacks


def known(provider: str, name: str) -> KnownModel:
    return KnownModel(
        provider, (name,), context_window=128_000, price=catalog.price(1, 2), ids=(name,)
    )


def test_what_the_list_says_wins_over_the_catalog() -> None:
    facts = {("openai", "gpt-4o"): Facts("gpt-4o", tools=True, vision=False, max_tokens=9)}
    held = OpenCatalog(KnownModels([known("openai", "gpt-4o")], facts), (), LIST)
    found = held.find(catalog.OPENAI, "gpt-4o")
    assert found is not None
    assert (found.context_window, found.supports_function_calling) == (64_000, False)
    assert (found.supports_vision, found.max_tokens) == (False, 9)
    assert not found.is_gone


def test_of_two_sellers_the_one_that_lists_a_model_comes_first_and_the_other_is_let_try() -> None:
    models = KnownModels([known("openai", "shared"), known("groq", "shared")])
    providers = (catalog.OPENAI, catalog.GROQ)
    request = RoutingRequest(("shared",), None, Tier.FREE, frozenset({"openai", "groq"}))

    def first(offers: Offers) -> str:
        snapshot = build_snapshot(providers, (), (), catalog.LEVELS, (), models, offers)
        return choose(snapshot, request).candidates[0].model.provider.slug

    assert first(Offers()) == "openai"
    assert first(LIST) == "groq"
    both = Offers({"openai": [Facts("x")], "groq": [Facts("y")]})
    assert first(both) == "openai", "no list is a proof"
