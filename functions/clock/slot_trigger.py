"""When a job of a slot runs: once in each, near its middle, and not with every other deployment."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from apscheduler.triggers.base import BaseTrigger

_JITTER = 0.1


class SlotTrigger(BaseTrigger):
    """A random moment up to a tenth of the slot from its middle.

    Far from both ends, so that clocks which differ a little still name one tick by one slot.
    """

    def __init__(self, slot_s: int) -> None:
        self._slot_s = slot_s

    def get_next_fire_time(self, previous_fire_time: Any, now: datetime) -> Any:
        """The moment in the first slot after the previous run's that is yet to come."""
        slot = int(now.timestamp()) // self._slot_s
        if previous_fire_time is not None:
            slot = max(slot, int(previous_fire_time.timestamp()) // self._slot_s + 1)
        moment = self._moment(slot)
        return moment if moment > now else self._moment(slot + 1)

    def _moment(self, slot: int) -> datetime:
        # No secret: spreading load.
        part = 0.5 + random.uniform(-_JITTER, _JITTER)  # noqa: S311
        return datetime.fromtimestamp((slot + part) * self._slot_s, UTC)
