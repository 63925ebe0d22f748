"""Clocks that look at one moment name one tick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from functions.clock.ticks import boot_tick, day_tick, slot_tick

TEHRAN = timezone(timedelta(hours=3, minutes=30))


@pytest.mark.parametrize(
    ("second", "slot_s", "name"),
    [
        (0, 5, "2026-03-01T12:00:00Z"),
        (4.999, 5, "2026-03-01T12:00:00Z"),
        (5, 5, "2026-03-01T12:00:05Z"),
        (59.9, 3600, "2026-03-01T12:00:00Z"),
    ],
)
def test_a_slot_is_named_by_its_start(second: float, slot_s: int, name: str) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=second)
    assert slot_tick(now, slot_s) == name


def test_a_tick_does_not_depend_on_the_zone_it_is_seen_from() -> None:
    now = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    seen = now.astimezone(TEHRAN)
    assert day_tick(now) == day_tick(seen) == "2026-03-01"
    assert slot_tick(now, 60) == slot_tick(seen, 60)


def test_the_run_at_start_has_a_tick_of_its_own_for_ten_seconds() -> None:
    now = datetime(2026, 3, 1, 12, 0, 19, tzinfo=UTC)
    assert boot_tick(now) == "boot:2026-03-01T12:00:10Z"
