"""Properties of the order: nobody is lost, nobody who does not fit decides, sessions stay."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ProviderUnavailable, SwitchyardError
from shared.routing.choice import Candidate, Choice
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.order import Block, BlockKey, draw, order
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Health, Model, Snapshot, Tier
from tests.shared.routing import catalog

KEYED = frozenset({"openai", "anthropic", "google", "groq"})
PROVIDERS = (catalog.OPENAI, catalog.ANTHROPIC, catalog.GOOGLE, catalog.GROQ)

models = st.lists(
    st.builds(
        lambda id, at, level, cost, active, down: catalog.model(  # noqa: A006
            id,
            msgspec.structs.replace(at, health=Health.DOWN if down else Health.HEALTHY),
            f"m{id}",
            level,
            price=catalog.price(cost, 4 * cost),
            is_active=active,
            power_level_priority=cost % 3,
        ),
        st.integers(1, 40),
        st.sampled_from(PROVIDERS),
        st.sampled_from(["eco", "balanced", "precision"]),
        st.integers(0, 12),
        st.booleans(),
        st.booleans(),
    ),
    max_size=14,
    unique_by=lambda one: one.id,
).map(tuple)

own_keys = st.lists(
    st.builds(
        OwnKey,
        id=st.integers(1, 9),
        provider=st.sampled_from(sorted(KEYED)),
        policy=st.sampled_from(list(UsePolicy)),
        platform_fallback=st.sampled_from(list(PlatformFallback)),
    ),
    max_size=3,
    unique_by=(lambda one: one.provider, lambda one: one.id),
).map(tuple)

wants = st.builds(
    RoutingRequest,
    models=st.just(()),
    level=st.sampled_from(["eco", "balanced", "precision"]),
    tier=st.sampled_from(list(Tier)),
    platform_funded=st.frozensets(st.sampled_from(sorted(KEYED))),
    own_keys=own_keys,
    prompt_tokens=st.sampled_from([0, 64]),
)


def with_rules(some: tuple[Model, ...], weights: list[int]) -> Snapshot:
    rules = tuple(
        catalog.rule(place, one, "balanced", weight=weight, priority=weight % 2)
        for place, (one, weight) in enumerate(zip(some, weights, strict=False))
    )
    return catalog.snapshot(some, rules)


def blocks_of(choice: Choice, blocked: list[bool]) -> dict[BlockKey, Block]:
    return {
        (one.model.provider.slug, one.model.model_id, None): Block(ProviderUnavailable, 100)
        for one, is_blocked in zip(choice.candidates, blocked, strict=False)
        if is_blocked
    }


def ordered(choice: Choice, blocks: dict[BlockKey, Block], session: str = "s") -> Choice:
    return order(draw(choice, session), blocks, prompt_tokens=0, now_s=0)


def chosen(snapshot: Snapshot, want: RoutingRequest, enough: int | None = None) -> Choice | None:
    try:
        return choose(snapshot, want, enough=enough)
    except SwitchyardError:
        return None


lists = {"weights": st.lists(st.integers(0, 3), max_size=8), "blocked": st.lists(st.booleans())}


@given(models, wants, lists["weights"], lists["blocked"])
def test_the_order_is_a_permutation_of_the_fitting_but_for_what_consent_forbids(
    some: tuple[Model, ...], want: RoutingRequest, weights: list[int], blocked: list[bool]
) -> None:
    choice = chosen(with_rules(some, weights), want)
    if choice is None:
        return
    result = ordered(choice, blocks_of(choice, blocked))
    assert len(set(map(id, result.candidates))) == len(result.candidates)
    lost = set(map(id, choice.candidates)) - set(map(id, result.candidates))
    assert set(map(id, result.candidates)) <= set(map(id, choice.candidates))
    assert len(lost) == len(result.dropped) - len(choice.dropped)
    if not want.own_keys:
        assert not lost
    for one in choice.candidates:
        assert one.key is None or id(one) not in lost
    assert result.candidates


@given(models, wants, lists["weights"], st.integers(41, 60))
def test_a_model_that_does_not_fit_changes_nothing(
    some: tuple[Model, ...], want: RoutingRequest, weights: list[int], place: int
) -> None:
    unfit: Any = catalog.model(place, catalog.GROQ, "late", "balanced", is_active=False)
    before = chosen(with_rules(some, weights), want)
    after = chosen(with_rules((*some, unfit), weights[: len(some)]), want)
    if before is None or after is None:
        assert after is before
        return
    assert ordered(after, {}).candidates == ordered(before, {}).candidates


@given(models, wants, lists["weights"])
def test_what_is_remembered_is_the_beginning_of_all_there_is(
    some: tuple[Model, ...], want: RoutingRequest, weights: list[int]
) -> None:
    everything, few = (chosen(with_rules(some, weights), want, enough) for enough in (None, 3))
    if everything is None or few is None:
        assert few is everything
        return
    assert everything.candidates[: len(few.candidates)] == few.candidates
    assert len(few.candidates) >= min(3, len(everything.candidates))


@given(models, lists["weights"], lists["blocked"], st.text())
def test_a_session_keeps_its_provider_while_that_is_well(
    some: tuple[Model, ...], weights: list[int], blocked: list[bool], session: str
) -> None:
    want = RoutingRequest(models=(), level="balanced", tier=Tier.ENTERPRISE, platform_funded=KEYED)
    choice = chosen(with_rules(some, weights), want)
    if choice is None:
        return
    first = ordered(choice, {}, session).candidates[0]
    assert first is ordered(choice, {}, session).candidates[0]
    blocks = blocks_of(choice, blocked)
    blocks.pop((first.model.provider.slug, first.model.model_id, None), None)
    if first.model.provider.health is Health.DOWN:
        return
    assert ordered(choice, blocks, session).candidates[0] is first


def equals(*weights: int) -> list[Candidate]:
    some = [
        catalog.model(place, catalog.GROQ, f"m{place}", "eco")
        for place in range(1, len(weights) + 1)
    ]
    rules = [
        catalog.rule(one.id, one, "eco", weight=weight)
        for one, weight in zip(some, weights, strict=True)
    ]
    choice = choose(
        catalog.snapshot(tuple(some), tuple(rules)),
        RoutingRequest(models=(), level="eco", tier=Tier.FREE, platform_funded=KEYED),
    )
    assert choice.ties == ((0, len(weights)),)
    return list(choice.candidates)


def by_weight(candidates: list[Candidate], session: str) -> list[Candidate]:
    choice = Choice(None, tuple(candidates), (), ((0, len(candidates)),))
    return list(draw(choice, session).candidates)


def test_weights_of_70_and_30_over_10_000_sessions_are_within_2_points() -> None:
    candidates = equals(70, 30)
    firsts = [by_weight(candidates, f"session-{n}")[0].model.id for n in range(10_000)]
    assert abs(firsts.count(1) / 10_000 - 0.70) < 0.02


def test_where_one_drops_out_only_its_own_sessions_move() -> None:
    candidates = equals(50, 30, 20)
    for number in range(1000):
        session = f"session-{number}"
        before = by_weight(candidates, session)
        gone = candidates[0]
        after = by_weight([one for one in candidates if one is not gone], session)
        assert after == [one for one in before if one is not gone]


def test_a_weight_of_0_is_last() -> None:
    for number in range(100):
        assert by_weight(equals(0, 1), str(number))[-1].model.id == 1


def test_what_is_intended_is_what_comes_first_when_all_are_well() -> None:
    rules = (
        catalog.rule(1, catalog.TERRA, "balanced", weight=50),
        catalog.rule(2, catalog.FLASH, "balanced", weight=50),
    )
    choice = choose(
        catalog.snapshot(rules=rules),
        RoutingRequest(models=(), level="balanced", tier=Tier.FREE, platform_funded=KEYED),
    )
    firsts = {draw(choice, str(n)).candidates[0].model.id for n in range(50)}
    assert firsts == {2, 3}
    for number in range(50):
        meant = draw(choice, str(number)).candidates[0]
        assert meant is ordered(choice, {}, str(number)).candidates[0]
