"""Health is slow to turn worse, and better within two checks; from unknown one answer does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.health.hysteresis import (
    LOCAL_FAULT_FROM,
    Check,
    Decision,
    Traffic,
    decide,
    is_local_fault,
    stale_after,
)
from shared.routing.snapshot import Health

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY = timedelta(seconds=300)
STALE = stale_after(300)
QUIET = Traffic()
GOOD = Traffic(successes=9, failures=1)
BAD = Traffic(successes=1, failures=9)

HEALTHY, DEGRADED, DOWN, UNKNOWN = Health.HEALTHY, Health.DEGRADED, Health.DOWN, Health.UNKNOWN


def checks(outcomes: str) -> list[Check]:
    """`+` answered, `-` failed; the last character is the present check."""
    return [
        Check(NOON - age * EVERY, mark == "+", "HTTP 503")
        for age, mark in enumerate(reversed(outcomes))
    ]


def after(status: Health, outcomes: str, traffic: Traffic | None = QUIET) -> Decision:
    return decide(status, checks(outcomes), traffic, NOON, STALE)


@pytest.mark.parametrize(
    ("status", "outcomes", "traffic", "then"),
    [
        (UNKNOWN, "+", QUIET, HEALTHY),
        (UNKNOWN, "-", QUIET, UNKNOWN),
        (UNKNOWN, "--", QUIET, DEGRADED),
        (UNKNOWN, "-+", QUIET, HEALTHY),
        (HEALTHY, "++", BAD, HEALTHY),
        (HEALTHY, "+-", QUIET, HEALTHY),
        (HEALTHY, "+--", QUIET, DEGRADED),
        (DEGRADED, "---", QUIET, DOWN),
        (DEGRADED, "---", BAD, DOWN),
        (DEGRADED, "---", GOOD, DEGRADED),
        (DEGRADED, "---", Traffic(5, 5), DOWN),
        (DEGRADED, "---", None, DEGRADED),
        (DOWN, "----", None, DOWN),
        (DOWN, "----", GOOD, DEGRADED),
        (DOWN, "--+", QUIET, DOWN),
        (DOWN, "-+-", QUIET, DOWN),
        (DOWN, "+--", QUIET, DOWN),
        (DOWN, "-++", QUIET, HEALTHY),
        (DEGRADED, "-+", QUIET, DEGRADED),
        (DEGRADED, "++", QUIET, HEALTHY),
    ],
)
def test_the_table(status: Health, outcomes: str, traffic: Traffic | None, then: Health) -> None:
    assert after(status, outcomes, traffic).status is then


def test_the_reason_says_how_often_and_how_it_failed() -> None:
    assert after(HEALTHY, "+--").reason == "the last 2 checks failed: HTTP 503"
    assert after(HEALTHY, "+-").reason == "the last check failed: HTTP 503"
    assert after(DOWN, "--+").reason == "answers again; one more answer makes it healthy"
    assert "live calls succeed" in (after(DEGRADED, "---", GOOD).reason or "")


def test_without_a_fresh_check_nothing_is_known() -> None:
    old = [Check(NOON - STALE - timedelta(seconds=1), is_success=False)]
    for status in Health:
        gone = Decision(UNKNOWN, "no check for 15 minutes")
        assert decide(status, old, QUIET, NOON, STALE) == gone
        assert decide(status, [], QUIET, NOON, STALE) == gone


def test_what_was_known_before_a_long_silence_does_not_count() -> None:
    silence = [
        Check(NOON, is_success=False, what="HTTP 503"),
        *(Check(NOON - age * EVERY, is_success=False) for age in (4, 5)),
    ]
    assert decide(DOWN, silence, QUIET, NOON, STALE).status is UNKNOWN
    answers = [Check(NOON, is_success=True), silence[1]]
    assert decide(DOWN, answers, QUIET, NOON, STALE).status is HEALTHY


def test_a_long_interval_is_no_silence() -> None:
    assert stale_after(1) == stale_after(300) == timedelta(minutes=15)
    assert stale_after(3600) == timedelta(hours=3)


def test_three_without_a_connection_are_our_own_fault() -> None:
    assert [is_local_fault(n, 0) for n in range(5)] == [False, False, False, True, True]
    assert not any(is_local_fault(n, 1) for n in range(9)), "some way out there is"
    assert LOCAL_FAULT_FROM == 3


statuses = st.sampled_from(Health)
histories = st.text("+-", min_size=1, max_size=4)
traffics = st.builds(Traffic, st.integers(0, 50), st.integers(0, 50))


@given(statuses, histories, traffics)
def test_one_failure_never_makes_it_worse(status: Health, before: str, traffic: Traffic) -> None:
    assert after(status, before + "+-", traffic).status is status


@given(statuses, histories, traffics)
def test_two_answers_always_heal(status: Health, before: str, traffic: Traffic) -> None:
    assert after(status, before + "++", traffic) == Decision(HEALTHY, None)


@given(statuses, histories, traffics)
def test_down_needs_three_failures_and_no_contrary_traffic(
    status: Health, outcomes: str, traffic: Traffic
) -> None:
    then = after(status, outcomes, traffic).status
    if then is DOWN and status is not DOWN:
        assert outcomes.endswith("---")
        assert traffic.failures >= traffic.successes


@given(statuses, histories, traffics)
def test_only_what_is_healthy_has_no_reason(
    status: Health, outcomes: str, traffic: Traffic
) -> None:
    decision = after(status, outcomes, traffic)
    if decision.reason is None:
        assert decision.status is HEALTHY
