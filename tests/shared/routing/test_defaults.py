"""One key of any provider opens every level: a default stands in where nothing listed can serve."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.errors import NotAllowed
from shared.routing.choice import Choice, Source
from shared.routing.choose import Reason, choose
from shared.routing.deployment import Opens, Provider
from shared.routing.fit import DropReason, RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.own_keys import OwnKey, UsePolicy
from shared.routing.snapshot import Fallback, Snapshot, Tier
from shared.wire.providers import SEEDS, provider_of

_spec = importlib.util.spec_from_file_location("catalog", Path(__file__).parent / "catalog.py")
assert _spec is not None
assert _spec.loader is not None
catalog: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalog)

LEVELS = ("eco", "balanced", "precision")
PRICES = {"eco": (0.1, 0.5), "balanced": (1, 5), "precision": (2, 10)}
SEVEN: dict[str, Provider] = {slug: catalog.provider(seed.id, slug) for slug, seed in SEEDS.items()}


def known(**without: str) -> KnownModels:
    """All 21, priced; `without` a price: provider=model id."""
    return KnownModels(
        KnownModel(
            slug,
            (model_id.lower(),),
            price=None if without.get(slug) == model_id else catalog.price(*PRICES[level]),
            ids=(model_id,),
            source="test 1",
        )
        for slug in SEEDS
        for level, model_id in provider_of(slug).level_defaults.items()
    )


def fresh(
    fallback: Fallback = Fallback.LEVEL,
    known_models: KnownModels | None = None,
    listed: tuple[Any, ...] = catalog.MODELS,
    **changed: dict[str, Any],
) -> Snapshot:
    """As a fresh installation: four models, three rules, seven providers."""
    providers = {
        slug: msgspec.structs.replace(one, **changed.get(slug, {})) for slug, one in SEVEN.items()
    }
    models = tuple(
        msgspec.structs.replace(one, provider=providers[one.provider.slug]) for one in listed
    )
    levels = tuple(msgspec.structs.replace(one, fallback=fallback) for one in catalog.LEVELS)
    more = tuple(providers.values())
    return catalog.snapshot(
        models, levels=levels, known=known_models or known(), more_providers=more
    )


def asked(level: str, funded: set[str], **changes: Any) -> RoutingRequest:
    return RoutingRequest(
        models=(),
        level=level,
        tier=Tier.PROFESSIONAL,
        platform_funded=frozenset(funded),
        **changes,
    )


def tried(choice: Choice) -> list[tuple[str, str, Reason]]:
    return [(one.model.provider.slug, one.model.model_id, one.reason) for one in choice.candidates]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("slug", SEEDS)
def test_one_key_opens_every_level_with_a_price(slug: str, level: str) -> None:
    choice = choose(fresh(), asked(level, {slug}))
    first = choice.candidates[0]
    assert first.model.provider.slug == slug
    assert first.model.price is not None
    assert choice.level is not None
    assert choice.level.name == level
    default = provider_of(slug).level_defaults[level]
    assert default in [one.model.model_id for one in choice.candidates]


@pytest.mark.parametrize("level", LEVELS)
def test_defaults_come_after_all_that_is_listed_in_the_order_of_the_seeds(level: str) -> None:
    reasons = [reason for _, _, reason in tried(choose(fresh(), asked(level, set(SEEDS))))]
    assert reasons == sorted(reasons, key=lambda one: one is Reason.DEFAULT)
    defaults = [
        slug
        for slug, _, reason in tried(choose(fresh(), asked(level, set(SEEDS))))
        if reason is Reason.DEFAULT
    ]
    assert defaults == [slug for slug in SEEDS if slug in defaults]
    assert len(defaults) == 6 if level != "balanced" else 5


def test_a_default_says_where_it_is_from() -> None:
    choice = choose(fresh(), asked("eco", {"groq", "openai"}))
    assert [one.source for one in choice.candidates] == [Source.LISTED, Source.DEFAULT]
    named = choose(
        fresh(), msgspec.structs.replace(asked("eco", {"openai"}), models=("gpt-6-luna",))
    )
    assert [one.source for one in named.candidates] == [Source.CATALOG]


def test_with_rules_alone_there_is_no_default() -> None:
    with pytest.raises(NotAllowed) as caught:
        choose(fresh(Fallback.RULES), asked("eco", {"openai"}))
    assert caught.value.code == "no_provider_key"


@pytest.mark.parametrize(
    ("opens", "prices", "own", "served"),
    [
        (Opens.PRICED, known(), False, True),
        (Opens.LISTED, known(), False, False),
        (Opens.LISTED, known(), True, False),
        (Opens.ANY, known(), False, True),
        (Opens.PRICED, known(openai="gpt-6-luna"), False, False),
        (Opens.PRICED, KnownModels(), False, False),
    ],
)
def test_a_default_is_served_as_its_provider_opens_its_models(
    opens: Opens, prices: KnownModels, own: bool, served: bool
) -> None:
    request = asked("eco", set() if own else {"openai"})
    if own:
        request = msgspec.structs.replace(request, own_keys=(OwnKey(1, "openai"),))
    snapshot = fresh(known_models=prices, openai={"opens": opens})
    if served:
        assert tried(choose(snapshot, request)) == [("openai", "gpt-6-luna", Reason.DEFAULT)]
    else:
        with pytest.raises(NotAllowed):
            choose(snapshot, request)


def test_a_listed_default_keeps_to_its_row() -> None:
    """What an admin switched off does not come back as a default."""
    luna = catalog.model(9, SEVEN["openai"], "gpt-6-luna", None, price=catalog.price(0.2, 0.6))
    listed = (*catalog.MODELS, luna)
    [first, *_] = choose(fresh(listed=listed), asked("eco", {"openai"})).candidates
    assert (first.model.id, first.source) == (9, Source.LISTED)
    off = (*catalog.MODELS, msgspec.structs.replace(luna, is_active=False))
    choice = choose(fresh(listed=off), asked("eco", {"openai", "google"}), enough=None)
    assert [slug for slug, _, _ in tried(choice)] == ["google"]
    assert (9, DropReason.MODEL_INACTIVE) in [(one.model.id, one.reason) for one in choice.dropped]


def test_the_price_ceiling_of_a_level_holds_for_its_default() -> None:
    """An admin who lowers it is not charged more by what nobody listed."""
    snapshot = fresh()
    eco = msgspec.structs.replace(snapshot.levels_by_name["eco"], price_ceiling=150_000)
    lowered = msgspec.structs.replace(snapshot, levels_by_name={"eco": eco})
    choice = choose(lowered, asked("eco", {"groq", "openai"}), enough=None)
    assert [slug for slug, _, _ in tried(choice)] == ["groq"]
    assert DropReason.OVER_PRICE_CEILING in [one.reason for one in choice.dropped]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (UsePolicy.PREFER, ["own", "platform"]),
        (UsePolicy.LAST_RESORT, ["platform", "own"]),
        (UsePolicy.ONLY, ["own"]),
    ],
)
def test_own_keys_serve_a_default_by_their_policy(policy: UsePolicy, order: list[str]) -> None:
    key = OwnKey(7, "openai", policy=policy)
    choice = choose(fresh(), asked("eco", {"openai"}, own_keys=(key,)))
    assert ["own" if one.key else "platform" for one in choice.candidates] == order


def test_a_level_of_an_admins_own_has_no_default() -> None:
    levels = (*catalog.LEVELS, catalog.level("turbo", 9, 50, Fallback.LEVEL))
    more = tuple(SEVEN.values())
    snapshot = catalog.snapshot(levels=levels, known=known(), more_providers=more)
    with pytest.raises(NotAllowed) as caught:
        choose(snapshot, asked("turbo", set(SEEDS)))
    assert caught.value.code == "no_candidate"
