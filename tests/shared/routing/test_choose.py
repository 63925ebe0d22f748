"""Laws of the choice."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidField, NotAllowed, SwitchyardError, UnknownModel
from shared.routing.choose import Choice, Reason, choose
from shared.routing.fit import DropReason, RoutingRequest
from shared.routing.order import order
from shared.routing.snapshot import Health, Model, Snapshot, Tier

_spec = importlib.util.spec_from_file_location("catalog", Path(__file__).parent / "catalog.py")
assert _spec is not None
assert _spec.loader is not None
catalog: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalog)

SEED: Snapshot = catalog.snapshot()
ALL_KEYED = frozenset({"openai", "anthropic", "google", "groq"})


def want(**changes: Any) -> RoutingRequest:
    plain = RoutingRequest(models=(), level=None, tier=Tier.PROFESSIONAL, platform_funded=ALL_KEYED)
    return msgspec.structs.replace(plain, **changes)


def now(choice: Choice) -> Choice:
    return order(choice, {}, prompt_tokens=0, now_s=0)


def names(choice: Choice) -> list[str]:
    return [one.model.model_id for one in choice.candidates]


def drops(choice: Choice) -> dict[str, DropReason]:
    return {one.model.model_id: one.reason for one in choice.dropped}


def changed(of: Model, **changes: Any) -> Snapshot:
    models = tuple(
        msgspec.structs.replace(one, **changes) if one.id == of.id else one
        for one in catalog.MODELS
    )
    return catalog.snapshot(models)


@pytest.mark.parametrize(
    ("level", "first"),
    [
        ("eco", "openai/gpt-oss-20b"),
        ("balanced", "gpt-6.1-terra"),
        ("precision", "claude-opus-5-5"),
        ("auto", "gpt-6.1-terra"),
        (None, "gpt-6.1-terra"),
    ],
)
def test_each_level_goes_to_its_rules_model(level: str | None, first: str) -> None:
    assert names(choose(SEED, want(level=level)))[0] == first


@pytest.mark.parametrize("name", ["eco", "balanced", "precision", "auto"])
def test_a_level_named_as_the_model_is_that_level(name: str) -> None:
    assert choose(SEED, want(models=(name,))) == choose(SEED, want(level=name))


def test_the_order_is_rules_then_the_level_then_other_levels_dearest_first() -> None:
    choice = choose(SEED, want(level="balanced"), enough=None)
    assert [(one.model.model_id, one.reason) for one in choice.candidates] == [
        ("gpt-6.1-terra", Reason.RULE),
        ("gemini-3.8-flash", Reason.SAME_LEVEL),
        ("openai/gpt-oss-20b", Reason.OTHER_LEVEL),
    ]
    assert drops(choice) == {"claude-opus-5-5": DropReason.OVER_PRICE_CEILING}


def test_precision_does_not_fall_to_another_level() -> None:
    assert names(choose(SEED, want(level="precision"))) == ["claude-opus-5-5"]


@pytest.mark.parametrize("level", ["balanced", "precision"])
def test_a_free_caller_is_told_which_tier_a_level_needs(level: str) -> None:
    with pytest.raises(NotAllowed, match="professional") as caught:
        choose(SEED, want(level=level, tier=Tier.FREE))
    assert caught.value.code == "tier_not_allowed"
    assert caught.value.param == "power_level"


def test_without_a_level_a_free_caller_gets_the_highest_that_the_tier_allows() -> None:
    choice = choose(SEED, want(tier=Tier.FREE))
    assert choice.level is not None
    assert choice.level.name == "eco"


def test_a_higher_tier_meets_a_lower_tiers_rule() -> None:
    assert names(choose(SEED, want(level="eco", tier=Tier.ENTERPRISE)))[0] == "openai/gpt-oss-20b"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("gpt-6.1-terra", "gpt-6.1-terra"),
        ("openai/gpt-6.1-terra", "gpt-6.1-terra"),
        ("openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("groq/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ],
)
def test_a_named_model_is_found_by_id_and_by_provider(asked: str, found: str) -> None:
    choice = choose(SEED, want(models=(asked,)))
    assert names(choice) == [found]
    assert choice.level is None


@pytest.mark.parametrize("asked", ["gpt-1", "groq/gpt-6.1-terra", "/", "openai/", "x" * 10_000])
def test_an_unknown_model_is_refused_by_its_parameter(asked: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        choose(SEED, want(models=(asked,)))
    assert caught.value.param == "model"
    assert len(caught.value.message) < 300


def test_an_unknown_level_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidField, match="eco, balanced, precision, auto"):
        choose(SEED, want(level="turbo"))


def test_a_list_of_models_is_tried_in_the_callers_order() -> None:
    asked = ("claude-opus-5-5", "gpt-6.1-terra")
    assert names(choose(SEED, want(models=asked))) == list(asked)


@pytest.mark.parametrize(
    ("changes", "wanted", "reason"),
    [
        pytest.param({"is_active": False}, {}, DropReason.MODEL_INACTIVE, id="switched off"),
        pytest.param({"min_tier": Tier.ENTERPRISE}, {}, DropReason.TIER_TOO_LOW, id="tier too low"),
        pytest.param(
            {"supports_streaming": False},
            {"streams": True},
            DropReason.NO_STREAMING,
            id="no streaming",
        ),
        pytest.param(
            {"supports_function_calling": False},
            {"tools": True},
            DropReason.NO_TOOLS,
            id="no tools",
        ),
        pytest.param(
            {"supports_vision": False}, {"vision": True}, DropReason.NO_VISION, id="no vision"
        ),
        pytest.param(
            {"supports_json_mode": False},
            {"json_mode": True},
            DropReason.NO_JSON_MODE,
            id="no json",
        ),
        pytest.param(
            {"context_window": 1000},
            {"prompt_tokens": 1251},
            DropReason.CONTEXT_TOO_SMALL,
            id="too long",
        ),
        pytest.param(
            {"context_window": 1000},
            {"prompt_tokens": 512, "max_tokens": 739},
            DropReason.CONTEXT_TOO_SMALL,
            id="the answer does not fit",
        ),
        pytest.param(
            {},
            {"prompt_tokens": 1000, "max_tokens": 1000, "max_cost_pico_usd": 10**9},
            DropReason.OVER_MAX_COST,
            id="over max_cost_usd",
        ),
        pytest.param(
            {"price": None},
            {"max_cost_pico_usd": 10**18},
            DropReason.UNPRICED,
            id="a bound, no price",
        ),
        pytest.param(
            {}, {"platform_funded": ALL_KEYED - {"openai"}}, DropReason.NO_KEY, id="no key"
        ),
    ],
)
def test_a_model_that_does_not_fit_is_dropped_with_its_reason(
    changes: dict[str, Any], wanted: dict[str, Any], reason: DropReason
) -> None:
    snapshot = changed(catalog.TERRA, **changes)
    choice = (
        choose(snapshot, want(models=("gpt-6.1-terra", "gemini-3.8-flash"), **wanted))
        if (reason is not DropReason.OVER_MAX_COST)
        else None
    )
    if choice is None:
        with pytest.raises(InvalidField, match="over_max_cost"):
            choose(snapshot, want(models=("gpt-6.1-terra",), **wanted))
        return
    assert drops(choice)["gpt-6.1-terra"] is reason
    assert names(choice) == ["gemini-3.8-flash"]


def test_an_unpriced_model_is_served_where_nothing_bounds_the_price() -> None:
    snapshot = changed(catalog.TERRA, price=None)
    assert names(choose(snapshot, want(level="balanced")))[0] == "gpt-6.1-terra"


def test_an_inactive_provider_takes_its_models_out() -> None:
    off = msgspec.structs.replace(catalog.OPENAI, is_active=False)
    choice = choose(changed(catalog.TERRA, provider=off), want(level="balanced"))
    assert drops(choice)["gpt-6.1-terra"] is DropReason.PROVIDER_INACTIVE
    assert names(choice)[0] == "gemini-3.8-flash"


def test_a_token_may_be_bound_to_models() -> None:
    only = want(models=("gpt-6.1-terra",), allowed_models=frozenset({"gemini-3.8-flash"}))
    with pytest.raises(NotAllowed) as caught:
        choose(SEED, only)
    assert caught.value.code == "model_not_allowed"
    by_provider = msgspec.structs.replace(only, allowed_models=frozenset({"openai/gpt-6.1-terra"}))
    assert names(choose(SEED, by_provider)) == ["gpt-6.1-terra"]


def test_a_provider_that_is_down_comes_last() -> None:
    down = msgspec.structs.replace(catalog.OPENAI, health=Health.DOWN)
    choice = now(choose(changed(catalog.TERRA, provider=down), want(level="balanced")))
    assert names(choice) == ["gemini-3.8-flash", "openai/gpt-oss-20b", "gpt-6.1-terra"]
    assert not choice.ignores_health


def test_if_everyone_is_down_health_is_ignored_and_the_choice_says_so() -> None:
    down = msgspec.structs.replace(catalog.ANTHROPIC, health=Health.DOWN)
    choice = now(choose(changed(catalog.OPUS, provider=down), want(level="precision")))
    assert names(choice) == ["claude-opus-5-5"]
    assert choice.ignores_health


def test_a_rule_for_a_task_counts_for_that_task_alone() -> None:
    code = catalog.rule(9, catalog.FLASH, "balanced", task_type="code", priority=100)
    snapshot = catalog.snapshot(rules=(*catalog.RULES, code))
    assert names(choose(snapshot, want(level="balanced", task_type="code")))[0] == (
        "gemini-3.8-flash"
    )
    assert names(choose(snapshot, want(level="balanced")))[0] == "gpt-6.1-terra"


def test_a_higher_priority_comes_first_and_fallback_rules_after_all_others() -> None:
    rules = (
        catalog.rule(1, catalog.OSS, "balanced", is_fallback=True, priority=999),
        catalog.rule(2, catalog.FLASH, "balanced", priority=1),
        catalog.rule(3, catalog.TERRA, "balanced", priority=2),
    )
    choice = choose(catalog.snapshot(rules=rules), want(level="balanced"))
    assert names(choice)[:3] == ["gpt-6.1-terra", "gemini-3.8-flash", "openai/gpt-oss-20b"]


def test_where_no_provider_has_a_key_the_caller_learns_what_to_do() -> None:
    with pytest.raises(NotAllowed, match="store your own") as caught:
        choose(SEED, want(level="precision", platform_funded=frozenset()))
    assert caught.value.code == "no_provider_key"


_wants = st.builds(
    want,
    level=st.sampled_from(["eco", "balanced", "precision", "auto"]),
    tier=st.sampled_from(list(Tier)),
    platform_funded=st.frozensets(st.sampled_from(sorted(ALL_KEYED))),
    streams=st.booleans(),
    tools=st.booleans(),
    prompt_tokens=st.sampled_from([0, 64, 131_072]),
)


@given(_wants)
def test_every_model_is_a_candidate_or_dropped_but_never_both(wanted: RoutingRequest) -> None:
    try:
        choice = choose(SEED, wanted)
    except SwitchyardError:
        return
    kept, dropped = names(choice), list(drops(choice))
    assert len(set(kept + dropped)) == len(kept) + len(dropped)
    assert kept


@given(_wants, st.sampled_from([one.id for one in catalog.MODELS]))
def test_raising_a_price_never_makes_a_model_newly_eligible(
    wanted: RoutingRequest, raised: int
) -> None:
    def eligible(snapshot: Snapshot) -> set[str]:
        try:
            return set(names(choose(snapshot, wanted)))
        except SwitchyardError:
            return set()

    of = next(one for one in catalog.MODELS if one.id == raised)
    dearer = changed(of, price=catalog.price(50, 200))
    assert of.model_id not in eligible(dearer) - eligible(SEED)
