"""What a name means to a caller: listed, at a named provider, or opened by a key."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.errors import SwitchyardError
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Opens, Snapshot, Tier
from tests.shared.routing import catalog
from tests.shared.routing.catalog import FLASH, TERRA

PRICE = catalog.price(0.15, 0.60)
OPENROUTER, TOGETHER = catalog.provider(7, "openrouter"), catalog.provider(6, "together")
OLLAMA = catalog.provider(40, "ollama")


def known(provider: str, *ids: str, **facts: Any) -> KnownModel:
    names = tuple(one.lower() for one in ids)
    return KnownModel(provider, names, ids=ids, **{"price": PRICE, **facts})


KNOWN = KnownModels(
    [
        known("openai", "gpt-4o", "gpt-4o-2024-08-06"),
        known("openai", "gpt-6.1-terra", "gpt-6.1-terra-2026-08-06"),
        known("openai", "gpt-unpriced", price=None),
        known("openai", "ft:gpt-4o-x", pattern="^ft:gpt-4o"),
        known("google", "gemini-2.5-pro"),
        known("google", "claude-haiku-5-5", pattern="claude"),
        known("openrouter", "openai/gpt-4o"),
        known("openrouter", "gpt-4o"),
        known("together", "zai-org/GLM-5.3"),
        known("fireworks", "accounts/fireworks/models/glm-5p3"),
    ]
)
ALL = frozenset({"openai", "anthropic", "google", "groq", "together", "openrouter", "fireworks"})


def snapshot(changes: dict[str, dict[str, Any]] | None = None, **opens: str) -> Snapshot:
    """`changes` of providers by slug, and of models by id; `opens` by slug."""
    changes = changes or {}

    def changed(one: Any, name: str) -> Any:
        fields = dict(changes.get(name, {}))
        if name in opens:
            fields["opens"] = Opens(opens[name])
        return msgspec.structs.replace(one, **fields)

    models = tuple(
        msgspec.structs.replace(
            changed(one, one.model_id), provider=changed(one.provider, one.provider.slug)
        )
        for one in catalog.MODELS
    )
    fireworks = catalog.provider(5, "fireworks")
    more = tuple(changed(one, one.slug) for one in (OPENROUTER, TOGETHER, OLLAMA, fireworks))
    return catalog.snapshot(models, known=KNOWN, more_providers=more)


def asked(name: str, *, keys: frozenset[str] = ALL, **want: Any) -> RoutingRequest:
    plain = RoutingRequest((name,), None, Tier.ENTERPRISE, keys)
    return msgspec.structs.replace(plain, **want)


def served(held: Snapshot, request: RoutingRequest) -> str | tuple[str, str | None]:
    """`provider/id`, with `*` where the caller's key pays, or an error's code and parameter."""
    try:
        first = choose(held, request).candidates[0]
    except SwitchyardError as error:
        return error.code, error.param
    star = "*" if first.key else ""
    return f"{first.model.provider.slug}/{first.model.model_id}{star}"


def only(*slugs: str) -> frozenset[str]:
    return frozenset(slugs)


@pytest.mark.parametrize(
    ("name", "keys", "goes_to"),
    [
        pytest.param("gpt-4o", ALL, "openai/gpt-4o", id="unlisted, by the platform's key"),
        pytest.param("openai/gpt-4o", ALL, "openai/gpt-4o", id="provider/model"),
        pytest.param(
            "openai/gpt-4o", only("openrouter"), "openrouter/openai/gpt-4o", id="another's id"
        ),
        pytest.param(
            "openrouter/openai/gpt-4o", ALL, "openrouter/openai/gpt-4o", id="a reseller is named"
        ),
        pytest.param(
            "openai/gpt-oss-20b", ALL, "groq/openai/gpt-oss-20b", id="an exact listed id first"
        ),
        pytest.param("gpt-4o-2024-08-06", ALL, "openai/gpt-4o-2024-08-06", id="a dated release"),
        pytest.param("GPT-4o", ALL, "openai/gpt-4o", id="in capitals, sent as it is spelled"),
        pytest.param(
            "together/zai-org/glm-5.3", ALL, "together/zai-org/GLM-5.3", id="in small letters"
        ),
        pytest.param("GPT-6.1-Terra", ALL, "openai/gpt-6.1-terra", id="a listed one in capitals"),
        pytest.param("ft:gpt-4o:org::1", ALL, "openai/ft:gpt-4o:org::1", id="a fine-tuned one"),
        pytest.param("gpt-4o", only("openrouter"), ("no_provider_key", "model"), id="no key"),
        pytest.param(
            "gpt-6.1-terra", only("google"), ("no_provider_key", "model"), id="listed, no key"
        ),
        pytest.param("gpt-unpriced", ALL, ("model_not_opened", "model"), id="no price"),
        pytest.param("claude-haiku-5-5", only("google"), ("model_not_found", "model"), id="Vertex"),
        pytest.param(
            "fireworks/glm-5p3", ALL, "fireworks/accounts/fireworks/models/glm-5p3", id="a short id"
        ),
        pytest.param("openai/", ALL, ("model_not_found", "model"), id="no model"),
        pytest.param("/gpt-4o", ALL, ("model_not_found", "model"), id="no provider"),
        pytest.param("gpt-9-of-tomorrow", ALL, ("model_not_found", "model"), id="nobody's"),
        pytest.param("openai/gpt-9", ALL, ("model_not_found", "model"), id="not that provider's"),
        pytest.param("x" * 200, ALL, ("model_not_found", "model"), id="200 characters"),
    ],
)
def test_a_name_goes_to(name: str, keys: frozenset[str], goes_to: object) -> None:
    assert served(snapshot(), asked(name, keys=keys)) == goes_to


@pytest.mark.parametrize(
    ("opens", "own", "name", "goes_to"),
    [
        pytest.param("listed", False, "openai/gpt-4o", ("model_not_opened", "model"), id="closed"),
        pytest.param("listed", True, "openai/gpt-4o", ("model_not_opened", "model"), id="to own"),
        pytest.param("listed", False, "gpt-6.1-terra", "openai/gpt-6.1-terra", id="but listed"),
        pytest.param("priced", True, "openai/gpt-4o", "openai/gpt-4o*", id="the own key first"),
        pytest.param("priced", True, "openai/gpt-9", "openai/gpt-9*", id="own: any name"),
        pytest.param("priced", True, "gpt-9", "openai/gpt-9*", id="own: any name alone"),
        pytest.param("priced", True, "gpt-unpriced", "openai/gpt-unpriced*", id="own: no price"),
        pytest.param("any", False, "gpt-unpriced", "openai/gpt-unpriced", id="any: no price"),
        pytest.param("any", False, "openai/gpt-9", "openai/gpt-9", id="any: any name"),
        pytest.param("any", False, "gpt-9", "openai/gpt-9", id="any: any name alone"),
        pytest.param("any", False, "gemini-2.5-pro", "google/gemini-2.5-pro", id="who knows it"),
    ],
)
def test_a_provider_opens(opens: str, own: bool, name: str, goes_to: object) -> None:  # noqa: FBT001
    keys = (OwnKey(70, "openai"),) if own else ()
    assert served(snapshot(openai=opens), asked(name, own_keys=keys)) == goes_to


@pytest.mark.parametrize(
    ("name", "own", "goes_to"),
    [
        ("claude-9", ("openai", "anthropic"), "anthropic/claude-9*"),
        ("gpt-9", ("anthropic", "openai"), "openai/gpt-9*"),
        ("gpt-9", ("anthropic",), ("model_not_found", "model")),
        ("openai/gpt-9", ("anthropic", "openrouter"), "openrouter/openai/gpt-9*"),
        ("gpt-4o", ("anthropic",), ("no_provider_key", "model")),
        ("gemini-9", ("openai", "google"), "google/gemini-9*"),
        ("anything", ("groq",), "groq/anything*"),
    ],
)
def test_a_name_that_nobody_knows_goes_only_where_it_looks_like_an_id(
    name: str, own: tuple[str, ...], goes_to: object
) -> None:
    keys = tuple(OwnKey(70 + at, slug) for at, slug in enumerate(own))
    assert served(snapshot(), asked(name, keys=frozenset(), own_keys=keys)) == goes_to


def test_a_provider_of_the_operators_own_is_named_with_its_models() -> None:
    keys = ALL | {"ollama"}
    assert (
        served(snapshot(ollama="any"), asked("ollama/llama4:8b", keys=keys)) == "ollama/llama4:8b"
    )
    assert served(snapshot(ollama="any"), asked("llama4:8b", keys=keys)) == (
        "model_not_found", "model",
    )  # fmt: skip
    assert served(snapshot(), asked("ollama/llama4:8b", keys=keys)) == ("model_not_found", "model")


@pytest.mark.parametrize(
    "name",
    [
        *("gpt-6.1-terra", "openai/gpt-6.1-terra", "GPT-6.1-TERRA", "openai/GPT-6.1-terra"),
        *("gpt-6.1-terra-2026-08-06", "openai/gpt-6.1-terra-2026-08-06", "gpt-6.1-terra-latest"),
    ],
)
def test_what_is_listed_and_restricted_is_so_by_any_name(name: str) -> None:
    off = snapshot({TERRA.model_id: {"is_active": False}}, openai="any")
    assert served(off, asked(name)) == ("model_not_found", "model")
    dear = snapshot({TERRA.model_id: {"min_tier": Tier.ENTERPRISE}}, openai="any")
    assert served(dear, asked(name, tier=Tier.FREE)) == ("tier_not_allowed", "model")


def test_a_provider_that_is_switched_off_serves_nothing_unlisted() -> None:
    off = snapshot({"openai": {"is_active": False}}, openai="any")
    assert served(off, asked("gpt-4o")) == ("model_not_found", "model")
    assert served(off, asked("openai/gpt-4o")) == "openrouter/openai/gpt-4o"
    own = asked("gpt-4o", own_keys=(OwnKey(70, "openai"),))
    assert served(off, own) == ("model_not_found", "model")


def test_the_tier_of_a_provider_holds_for_what_it_opens() -> None:
    dear = snapshot({"openai": {"min_tier": Tier.ENTERPRISE}})
    assert served(dear, asked("gpt-4o", tier=Tier.FREE)) == ("tier_not_allowed", "model")


def test_two_providers_of_one_unlisted_id_are_two_candidates() -> None:
    request = asked("openai/gpt-4o", models=("openrouter/openai/gpt-4o", "openai/gpt-4o"))
    slugs = [one.model.provider.slug for one in choose(snapshot(), request).candidates]
    assert slugs == ["openrouter", "openai"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gpt4o", "'gpt-4o'"),
        ("gpt-4o-turbo", "'gpt-4o'"),
        ("gemini-3.8-flsh", f"'{FLASH.model_id}'"),
        ("openai/gpt4-o", "'openai/gpt-4o'"),
        ("ünïcode", "GET /v1/models"),
    ],
)
def test_a_name_that_nobody_has_is_answered_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(SwitchyardError) as caught:
        choose(snapshot(), asked(name))
    assert near in caught.value.message


def test_near_names_are_only_of_models_that_the_caller_may_use() -> None:
    with pytest.raises(SwitchyardError) as caught:
        choose(snapshot(), asked("gpt4o", allowed_models=frozenset({"gemini-*"})))
    assert "'gpt-4o'" not in caught.value.message
