"""Against whom a failed attempt counts: a provider, a key, our own network, or nobody."""

from __future__ import annotations

import msgspec
import pytest

from shared.errors import (
    PlatformKeyRefused,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    StoredKeyUnreadable,
    StreamCut,
    UpstreamError,
)
from shared.health.circuits import OPEN_S, PERMITS, State
from shared.health.circuits_table import MOST_UNLISTED, CircuitTable
from shared.routing.choice import Candidate, Reason
from shared.routing.snapshot import Health
from shared.wire.rate_limits import LimitKind, RateLimit
from tests.shared.health.tables import ANTHROPIC, GOOGLE, GROQ, OPENAI, PLACE, fail, table
from tests.shared.routing.catalog import TERRA


@pytest.mark.parametrize(
    "error",
    [ProviderRejectedKey, ProviderRefusedRequest, ProviderRateLimited, PlatformKeyRefused],
)
def test_who_answers_is_there_whatever_the_answer(error: type[UpstreamError]) -> None:
    one = table()
    for _ in range(30):
        one.failed(OPENAI, error("openai", ""), caller="ann")
    assert PLACE not in one.blocks
    assert list(one.states()) == []


def test_a_platform_key_is_passed_over_after_two_refusals_within_a_minute() -> None:
    one = table()
    one.failed(OPENAI, PlatformKeyRefused("openai", ""), caller="ann")
    one.clock.now += 61  # type: ignore[attr-defined]
    one.failed(OPENAI, PlatformKeyRefused("openai", ""), caller="ann")
    assert one.blocks == {}
    one.failed(OPENAI, PlatformKeyRefused("openai", ""), caller="ann")
    assert one.blocks["openai", None, 0].error is PlatformKeyRefused


def test_three_providers_that_cannot_be_reached_are_our_own_network() -> None:
    one = table()
    for candidate in (OPENAI, GOOGLE, GROQ):
        fail(one, candidate, times=1, never_connected=True)
    assert one.is_local_fault()
    fail(one, times=20, never_connected=True)
    assert list(one.states()) == [], "and nothing is held against them"
    one.answered(ANTHROPIC)
    assert not one.is_local_fault()


def test_two_providers_that_cannot_be_reached_are_theirs() -> None:
    one = table()
    fail(one, OPENAI, times=5, never_connected=True)
    fail(one, GOOGLE, times=5, never_connected=True)
    assert not one.is_local_fault()
    assert {state.state for *_, state in one.states()} == {State.OPEN}


def test_a_longer_wait_is_not_shortened_by_a_later_one() -> None:
    one = table()
    one.failed(OPENAI, ProviderRateLimited("openai", "", retry_after_s=60), caller="ann")
    one.failed(OPENAI, ProviderRateLimited("openai", "", retry_after_s=1), caller="ann")
    assert one.blocks["openai", "gpt-6.1-terra", 0].until_s == 160.0


def test_few_tokens_left_keep_away_only_what_needs_more() -> None:
    one = table()
    one.learn(OPENAI, [RateLimit(LimitKind.TOKENS, None, 100_000, 5_000, 10.0)])
    assert one.blocks["openai", "gpt-6.1-terra", 0].over_tokens == 5_000
    other = table()
    other.learn(OPENAI, [RateLimit(LimitKind.TOKENS, None, 100_000, 50_000, 10.0)])
    assert other.blocks == {}


# A failure, and what was answered, that one request may bring about by itself.
ITS_OWN: dict[str, tuple[type[UpstreamError], int | None]] = {
    "500": (ProviderUnavailable, 500),
    "an error inside a 200": (ProviderUnavailable, 200),
    "a stream that is cut": (StreamCut, 200),
    "a connection that is cut": (ProviderUnavailable, None),
    "no answer in time": (ProviderTimeout, None),
    "a status that nobody knows": (ProviderUnavailable, 599),
}


def state(of: CircuitTable) -> State:
    return next((one.state for *_, one in of.states()), State.CLOSED)


def repeat(
    of: CircuitTable, kind: tuple[type[UpstreamError], int | None], caller: str, times: int
) -> None:
    error, status = kind
    for _ in range(times):
        of.failed(OPENAI, error("openai", ""), caller=caller, status=status)


@pytest.mark.parametrize("kind", ITS_OWN.values(), ids=ITS_OWN)
def test_nobody_opens_a_circuit_for_everybody_alone(
    kind: tuple[type[UpstreamError], int | None],
) -> None:
    one = table()
    repeat(one, kind, "mallory", 100)
    assert state(one) is State.CLOSED
    one.answered(OPENAI)
    repeat(one, kind, "mallory", 100)
    assert state(one) is State.CLOSED


@pytest.mark.parametrize("kind", ITS_OWN.values(), ids=ITS_OWN)
def test_what_two_callers_see_opens_it(kind: tuple[type[UpstreamError], int | None]) -> None:
    one = table()
    repeat(one, kind, "ann", 3)
    repeat(one, kind, "bob", 3)
    assert state(one) is State.OPEN


@pytest.mark.parametrize("health", [Health.DEGRADED, Health.DOWN])
def test_what_a_check_sees_too_opens_it(health: Health) -> None:
    one, unwell = table(), msgspec.structs.replace(TERRA.provider, health=health)
    seen = Candidate(msgspec.structs.replace(TERRA, provider=unwell), Reason.RULE)
    fail(one, seen, status=500)
    assert state(one) is State.OPEN


@pytest.mark.parametrize("status", [502, 503, 504, 529])
def test_a_provider_that_says_it_is_overloaded_is_believed(status: int) -> None:
    one = table()
    fail(one, status=status)
    assert state(one) is State.OPEN


def test_a_caller_does_not_open_again_what_is_being_tried() -> None:
    one = table()
    fail(one)
    one.clock.now += OPEN_S + 1  # type: ignore[attr-defined]
    for _ in range(20):
        assert one.admit(OPENAI), "each permit is free again"
        repeat(one, (ProviderUnavailable, 500), "mallory", 1)
    assert state(one) is State.HALF_OPEN
    for _ in range(2):
        one.answered(OPENAI)
    assert state(one) is State.CLOSED


def test_what_a_caller_brought_about_is_forgotten_after_a_minute() -> None:
    one = table()
    repeat(one, (ProviderUnavailable, 500), "ann", 4)
    one.clock.now += 61  # type: ignore[attr-defined]
    repeat(one, (ProviderUnavailable, 500), "bob", 4)
    one.clock.now += 61  # type: ignore[attr-defined]
    repeat(one, (ProviderUnavailable, 500), "bob", 4)
    assert state(one) is State.CLOSED


@pytest.mark.parametrize(
    "error", [StoredKeyUnreadable, PlatformKeyRefused, ProviderUnavailable, ProviderRefusedRequest]
)
def test_what_was_never_sent_counts_for_nothing(error: type[UpstreamError]) -> None:
    one = table()
    for _ in range(30):
        one.not_sent(GOOGLE, error("google", ""))
    assert (list(one.counts()), list(one.states())) == ([], [])
    fail(one)
    one.clock.now += OPEN_S + 1  # type: ignore[attr-defined]
    for _ in range(3 * PERMITS):
        assert one.admit(OPENAI), "a permit that sent nothing is given back"
        one.not_sent(OPENAI, error("openai", ""))
    assert state(one) is State.HALF_OPEN


def test_a_platform_key_that_does_not_open_is_passed_over() -> None:
    one = table()
    for _ in range(2):
        one.not_sent(OPENAI, PlatformKeyRefused("openai", ""))
    assert one.blocks["openai", None, 0].error is PlatformKeyRefused


@pytest.mark.parametrize("status", [429, 503, 500])
def test_any_answer_shows_that_the_network_is_there(status: int) -> None:
    one = table()
    for candidate in (OPENAI, GOOGLE, GROQ):
        fail(one, candidate, times=1, never_connected=True)
    error = ProviderRateLimited if status == 429 else ProviderUnavailable
    one.failed(ANTHROPIC, error("anthropic", ""), caller="ann", status=status)
    assert not one.is_local_fault()


def local(candidate: Candidate) -> Candidate:
    provider = msgspec.structs.replace(candidate.model.provider, is_local=True)
    model = msgspec.structs.replace(candidate.model, provider=provider)
    return msgspec.structs.replace(candidate, model=model)


def test_servers_of_our_own_say_nothing_of_the_way_out() -> None:
    one = table()
    for candidate in (OPENAI, GOOGLE, GROQ):
        fail(one, local(candidate), times=5, never_connected=True)
    assert not one.is_local_fault()
    assert len(list(one.states())) == 3, "each is judged by itself"
    for candidate in (OPENAI, GOOGLE, GROQ):
        fail(one, candidate, times=1, never_connected=True)
    one.answered(local(ANTHROPIC))
    assert one.is_local_fault()


def unlisted(number: int) -> Candidate:
    model = msgspec.structs.replace(TERRA, id=0, model_id=f"named-by-a-caller-{number}")
    return Candidate(model, Reason.NAMED)


def test_names_of_callers_grow_neither_circuits_nor_what_is_told() -> None:
    one = table()
    for number in range(3 * MOST_UNLISTED):
        candidate = unlisted(number)
        one.answered(candidate)
        fail(one, candidate)
        one.failed(candidate, ProviderRateLimited("openai", "", retry_after_s=9), caller="ann")
        one.learn(candidate, [RateLimit(LimitKind.REQUESTS, None, 9, 0, 9.0)])
    assert len(list(one.states())) <= MOST_UNLISTED
    assert len(one.blocks) <= 2 * MOST_UNLISTED
    assert [(slug, model) for slug, model, _ in one.counts()] == [("openai", "")]
    assert one.take_news() == ({}, {})


def test_what_is_listed_is_told_apart_however_many_names_callers_think_of() -> None:
    one = table()
    for number in range(2 * MOST_UNLISTED):
        one.answered(unlisted(number))
    fail(one)
    assert PLACE in one.blocks
    assert not one.admit(OPENAI)


def test_what_nobody_sends_to_is_forgotten_and_an_open_circuit_is_not() -> None:
    one = table()
    fail(one)
    one.answered(GOOGLE)
    for number in range(10):
        one.answered(unlisted(number))
    one.clock.now += 61  # type: ignore[attr-defined]
    one.sweep()
    assert [(slug, model) for slug, model, _ in one.counts()] == [PLACE[:2]]
    for number in range(MOST_UNLISTED):
        one.answered(unlisted(number))
    assert sum(counts.successes for _, model, counts in one.counts() if not model) == MOST_UNLISTED
