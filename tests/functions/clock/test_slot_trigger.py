"""A job of slots runs once in each, far from its ends, whenever its clock was started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.clock.slot_trigger import SlotTrigger

START = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.integers(1, 3600), st.floats(0, 7200))
def test_each_slot_has_one_run_in_its_middle_fifth(slot_s: int, started_s: float) -> None:
    trigger = SlotTrigger(slot_s)
    now = START + timedelta(seconds=started_s)
    previous = None
    slots: list[int] = []
    for _ in range(20):
        moment = trigger.get_next_fire_time(previous, now)
        assert moment > now
        slot, part = divmod(moment.timestamp(), slot_s)
        assert 0.39 * slot_s <= part <= 0.61 * slot_s
        slots.append(int(slot))
        previous = now = moment
    assert slots == [*range(slots[0], slots[0] + 20)]
    assert (slots[0] * slot_s - now.timestamp()) < 2 * slot_s


def test_missed_slots_are_not_run_after() -> None:
    trigger = SlotTrigger(60)
    late = START + timedelta(minutes=10)
    moment = trigger.get_next_fire_time(START, late)
    assert late < moment < late + timedelta(minutes=2)
