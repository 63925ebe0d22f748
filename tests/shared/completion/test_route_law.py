"""What /route ranks first is what a completion tries first: both ask one router."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.routing_rules.explain import Explanation
from shared.errors import ProviderRateLimited, ProviderUnavailable, SwitchyardError
from shared.routing.order import Block
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Fallback, Health, Model, Provider, Snapshot, Tier
from tests.shared.completion.room import Room, body_of, with_tier
from tests.shared.routing import catalog

SLUGS = ("openai", "anthropic", "google", "groq")
LEVELS = ("eco", "balanced", "precision")
WINDOWS = (None, 1_000, 4_096)


def provider_of(number: int, health: Health) -> Provider:
    return msgspec.structs.replace(catalog.provider(number + 1, SLUGS[number]), health=health)


@st.composite
def snapshots(draw: Any) -> Snapshot:
    healths = st.sampled_from([Health.HEALTHY, Health.HEALTHY, Health.DEGRADED, Health.DOWN])
    providers = [provider_of(number, draw(healths)) for number in range(len(SLUGS))]
    models: list[Model] = [
        msgspec.structs.replace(
            catalog.model(
                number,
                draw(st.sampled_from(providers)),
                f"m{number}",
                draw(st.sampled_from(LEVELS)),
                price=catalog.price(draw(st.integers(0, 5)), 4),
            ),
            context_window=draw(st.sampled_from(WINDOWS)),
        )
        for number in range(1, draw(st.integers(2, 8)))
    ]
    rules = [
        catalog.rule(
            number,
            one,
            "balanced",
            weight=draw(st.integers(0, 3)),
            priority=draw(st.integers(0, 1)),
            min_tokens=draw(st.sampled_from([None, None, 300])),
            task_type=draw(st.sampled_from([None, None, "code"])),
        )
        for number, one in enumerate(models)
        if draw(st.booleans())
    ]
    return catalog.snapshot(tuple(models), tuple(rules))


own_keys = st.lists(
    st.builds(
        OwnKey,
        id=st.integers(1, 99),
        provider=st.sampled_from(SLUGS),
        policy=st.sampled_from(list(UsePolicy)),
        platform_fallback=st.sampled_from(list(PlatformFallback)),
    ),
    max_size=2,
    unique_by=(lambda one: one.provider, lambda one: one.id),
).map(tuple)

blocks = st.dictionaries(
    st.tuples(st.sampled_from(SLUGS), st.sampled_from([None, "m1", "m2", "m3"]), st.just(0)),
    st.builds(
        Block,
        error=st.sampled_from([ProviderUnavailable, ProviderRateLimited]),
        until_s=st.just(float("inf")),
        over_tokens=st.sampled_from([-1, 100]),
    ),
    max_size=3,
)

sessions = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=300)
bodies = st.fixed_dictionaries(
    {"messages": st.integers(1, 5_000).map(lambda n: [{"role": "user", "content": "x" * n}])},
    optional={
        "model": st.sampled_from(["m1", "m2", "auto", "precision", "nobody's"]),
        "models": st.lists(st.sampled_from(["m1", "m2", "m3", "eco"]), max_size=2),
        "power_level": st.sampled_from([*LEVELS, "auto"]),
        "task_type": st.sampled_from(["code", "chat"]),
        "max_tokens": st.integers(1, 5_000),
        "max_cost_usd": st.sampled_from([0.001, 1.0]),
        "stream": st.booleans(),
        "user": sessions,
        "prompt_cache_key": sessions,
    },
)


def name(provider: str, model: str) -> str:
    return f"{provider}/{model}"


async def routed(room: Room, body: dict[str, Any], headers: dict[str, str]) -> Explanation | str:
    try:
        return await room.route(body, **headers)
    except SwitchyardError as error:
        return error.code


async def first_attempt(room: Room, body: dict[str, Any], headers: dict[str, str]) -> str:
    """`provider/model`, or the code that the completion was refused with."""
    room.tried.clear()
    answer = await room.complete(body, **headers)
    if not room.tried:
        return json.loads(answer)["error"]["code"]
    first = room.tried[0].model
    return name(first.provider.slug, first.model_id)


@settings(max_examples=200)
@given(snapshots(), own_keys, blocks, bodies, st.none() | sessions, st.sampled_from(list(Tier)))
def test_the_first_candidate_of_a_route_is_the_first_attempt(
    snapshot: Snapshot,
    keys: tuple[OwnKey, ...],
    blocked: dict[Any, Block],
    body: dict[str, Any],
    session: str | None,
    tier: Tier,
) -> None:
    async def check() -> None:
        room = Room(snapshot, own_keys=keys, caller=with_tier(tier))
        room.circuits.blocks.update(blocked)
        headers = {} if session is None else {"x_session_id": session}
        told = await routed(room, body, headers)
        tried = await first_attempt(room, body, headers)
        if isinstance(told, str):
            assert tried == told
            return
        first = told.candidates[0]
        sharers = {name(one.provider, one.model) for one in told.candidates if one.share}
        assert sum(one.share for one in told.candidates) == pytest.approx(1)
        assert tried in sharers
        has_session = session or body.get("prompt_cache_key") or body.get("user")
        if has_session or first.share == 1:
            assert tried == name(first.provider, first.model)
        with_it = {"x_session_id": told.session}
        assert await first_attempt(room, body, with_it) == name(first.provider, first.model)

    asyncio.run(check())


def balanced(*weights: int) -> Snapshot:
    rules = [
        catalog.rule(number, one, "balanced", weight=weight)
        for number, (one, weight) in enumerate(
            zip((catalog.TERRA, catalog.FLASH), weights, strict=True)
        )
    ]
    return catalog.snapshot(rules=tuple(rules))


def shares(told: Explanation) -> dict[str, float]:
    return {one.model: one.share for one in told.candidates}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [((70, 30), (0.7, 0.3)), ((1, 0), (1, 0)), ((0, 0), (1, 0))],
)
def test_without_a_session_the_shares_of_the_first_place_are_told(
    weights: tuple[int, int], expected: tuple[float, float]
) -> None:
    told = asyncio.run(Room(balanced(*weights)).route(body_of()))
    told_shares = shares(told)
    assert (told_shares.pop("gpt-6.1-terra"), told_shares.pop("gemini-3.8-flash")) == expected
    assert set(told_shares.values()) == {0}


def test_who_is_passed_over_has_no_share() -> None:
    room = Room(balanced(70, 30))
    room.circuits.blocks["openai", "gpt-6.1-terra", None] = Block(ProviderUnavailable, 1e12)
    told = asyncio.run(room.route(body_of()))
    assert told.candidates[0].model == "gemini-3.8-flash"
    assert shares(told)["gemini-3.8-flash"] == 1
    assert shares(told)["gpt-6.1-terra"] == 0


def test_a_route_without_a_session_draws_as_a_request_of_its_own() -> None:
    """Not by one and the same word each time, which would show one of the equals for ever."""

    async def firsts() -> set[str]:
        room = Room(balanced(50, 50))
        # A task of its own each, as each request has.
        told = [await asyncio.create_task(room.route(body_of())) for _ in range(40)]
        assert len({one.session for one in told}) == 40
        return {one.candidates[0].model for one in told}

    assert asyncio.run(firsts()) == {"gpt-6.1-terra", "gemini-3.8-flash"}


@given(st.text(st.characters(codec="ascii", categories=["N"]), min_size=201, max_size=300))
def test_a_long_session_is_cut_once(session: str) -> None:
    async def check() -> None:
        room = Room(balanced(50, 50))
        in_header = await room.route(body_of(), x_session_id=session)
        in_body = await room.route(body_of(user=session))
        assert in_header.session == in_body.session == session[:200]
        tried = await first_attempt(room, body_of(), {"x_session_id": session})
        assert tried.endswith(in_header.candidates[0].model)
        assert room.spool.finals[-1].session_id == session[:200]

    asyncio.run(check())


def test_a_model_above_the_ceiling_of_a_level_serves_where_it_is_named_behind_it() -> None:
    any_level = tuple(msgspec.structs.replace(one, fallback=Fallback.ANY) for one in catalog.LEVELS)
    room = Room(catalog.snapshot(levels=any_level))
    body = body_of() | {"models": ["eco", "claude-opus-5-5"]}
    told = asyncio.run(room.route(body))
    assert "claude-opus-5-5" in [one.model for one in told.candidates]
    assert "claude-opus-5-5" not in [one.model for one in told.dropped]
