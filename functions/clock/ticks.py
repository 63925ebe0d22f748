"""The names of ticks: pure, and the same in every clock, so that a tick is run by one of them."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.jobs import Daily, Every

BOOT_SLOT_S = 10


def tick_of(runs: Every | Daily, now: datetime) -> str:
    """The run that `now` belongs to."""
    return day_tick(now) if isinstance(runs, Daily) else slot_tick(now, runs.slot_s)


def slot_tick(now: datetime, slot_s: int) -> str:
    """The start of the slot that `now` lies in, slots being counted from 1970 on."""
    seconds = int(now.timestamp()) // slot_s * slot_s
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_tick(now: datetime) -> str:
    """The UTC day of `now`."""
    return now.astimezone(UTC).strftime("%Y-%m-%d")


def boot_tick(now: datetime) -> str:
    """For a job that runs at start, too: clocks started together run it once."""
    return f"boot:{slot_tick(now, BOOT_SLOT_S)}"
