"""From checks to what is told of a provider's past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.health.status_history import Span, Turn, incidents_of, uptime

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def turn(minute: int, status: str, reason: str | None = None, provider: int = 1) -> Turn:
    return Turn(provider, NOON + timedelta(minutes=minute), status, reason)


def test_an_incident_goes_from_the_first_ill_check_to_the_first_healthy_one() -> None:
    [one] = incidents_of(
        [turn(0, "healthy"), turn(5, "degraded", "slow"), turn(9, "down", "no answer"),
         turn(20, "degraded", "slow"), turn(30, "healthy")]
    )  # fmt: skip
    assert (one.began_at.minute, one.ended_at and one.ended_at.minute) == (5, 30)
    assert (one.status, one.reason) == ("down", "no answer")


def test_what_is_unknown_in_between_ends_nothing() -> None:
    [one] = incidents_of([turn(0, "down"), turn(5, "unknown"), turn(9, "down")])
    assert (one.began_at, one.ended_at) == (NOON, None)


def test_providers_do_not_end_each_others_incidents() -> None:
    found = incidents_of([turn(0, "down"), turn(1, "healthy", provider=2)])
    assert [(one.provider_id, one.ended_at) for one in found] == [(1, None)]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["healthy", "degraded", "down", "unknown"]))
    )
)
def test_incidents_of_one_provider_never_overlap_and_only_the_last_goes_on(
    said: list[tuple[int, str]],
) -> None:
    turns = [turn(minute, status, provider=who) for minute, (who, status) in enumerate(said)]
    for who in (1, 2, 3):
        mine = [one for one in incidents_of(turns) if one.provider_id == who][::-1]
        assert all(one.ended_at is not None for one in mine[:-1])
        ends = [one.ended_at for one in mine[:-1] if one.ended_at]
        assert all(end <= one.began_at for end, one in zip(ends, mine[1:], strict=True))


def test_uptime_weighs_checks_and_not_days() -> None:
    assert uptime([Span(NOON, 9, 9), Span(NOON, 1, 0), Span(NOON, 0, 0)]) == 0.9
    assert uptime([Span(NOON, 0, 0)]) is None
