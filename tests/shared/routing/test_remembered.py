"""A remembered choice is the one that the request itself would be given: to the token."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import SwitchyardError
from shared.routing.choice import Choice
from shared.routing.choose import as_remembered, choose
from shared.routing.fit import RoutingRequest
from shared.routing.snapshot import Snapshot, Tier
from tests.shared.routing import catalog

WINDOWS = (8_192, 128_000, 200_000, 1_000_000)
tokens = st.one_of(
    st.integers(0, 1_300_000),
    st.sampled_from(
        [
            bound + more
            for bound in (0, 64, 1000, *WINDOWS, *(one * 5 // 4 for one in WINDOWS))
            for more in (-1, 0, 1)
        ]
    ),
).map(lambda number: max(0, number))
bound = st.none() | st.sampled_from([0, 1, 64, 1000, 70_000, 128_000])
windows = st.none() | st.sampled_from(WINDOWS)

requests = st.builds(
    RoutingRequest,
    models=st.sampled_from([(), ("gpt-6.1-terra",), ("gemini-3.8-flash", "balanced")]),
    level=st.sampled_from(["eco", "balanced", "precision"]),
    tier=st.just(Tier.ENTERPRISE),
    platform_funded=st.just(frozenset({"openai", "anthropic", "google", "groq"})),
    prompt_tokens=tokens,
    max_tokens=st.sampled_from([None, 1, 1000, 300_000]),
    max_cost_pico_usd=st.sampled_from([None, None, None, 10**9]),
    task_type=st.sampled_from([None, "code", "nobody-knows"]),
)


def outcome(snapshot: Snapshot, request: RoutingRequest) -> Choice | tuple[int, str, str]:
    try:
        return choose(snapshot, request)
    except SwitchyardError as error:
        return error.status, error.code, error.message


def snapshot_of(sizes: list[int | None], bounds: list[tuple[int | None, int | None]]) -> Snapshot:
    models = tuple(
        msgspec.structs.replace(one, context_window=size)
        for one, size in zip(catalog.MODELS, sizes, strict=True)
    )
    rules = tuple(
        msgspec.structs.replace(
            catalog.rule(number, models[number % 4], "balanced", priority=number),
            min_tokens=least,
            max_tokens=most,
            task_type="code" if number % 2 else None,
        )
        for number, (least, most) in enumerate(bounds)
    )
    return catalog.snapshot(models, rules)


@settings(max_examples=300)
@given(
    st.lists(windows, min_size=4, max_size=4),
    st.lists(st.tuples(bound, bound), max_size=4),
    requests,
)
def test_what_stands_for_a_request_is_given_its_choice(
    sizes: list[int | None], bounds: list[tuple[int | None, int | None]], request: RoutingRequest
) -> None:
    snapshot = snapshot_of(sizes, bounds)
    assert outcome(snapshot, as_remembered(snapshot, request)) == outcome(snapshot, request)


@pytest.mark.parametrize("max_tokens", [None, 1000])
def test_few_stand_for_all(max_tokens: int | None) -> None:
    """What an agent sends in a long session is one choice for as long as it fits."""
    snapshot = snapshot_of([*WINDOWS], [(None, 1000), (1001, None)])
    request = RoutingRequest((), "balanced", Tier.ENTERPRISE, frozenset(), max_tokens=max_tokens)
    stand_ins = {
        as_remembered(snapshot, msgspec.structs.replace(request, prompt_tokens=number))
        for number in range(0, 1_300_000, 499)
    }
    assert len(stand_ins) == 2 + len(WINDOWS)


def test_a_task_type_that_no_rule_names_is_not_remembered() -> None:
    snapshot = snapshot_of([*WINDOWS], [(None, 1000), (1001, None)])
    for bound_pico_usd in (None, 10**9):
        request = RoutingRequest(
            (), "eco", Tier.FREE, frozenset(), max_cost_pico_usd=bound_pico_usd, task_type="t" * 200
        )
        assert as_remembered(snapshot, request).task_type is None
