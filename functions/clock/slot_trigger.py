"""When a job runs: once in each slot, at its moment, or not with every other deployment."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from shared.jobs import Daily, Every

_JITTER = 0.1
_HOUR_S = 3600


class SlotTrigger(BaseTrigger):
    """`at_s` behind the start of each slot; None: a random moment up to a tenth of the slot from
    its middle.

    Far from both ends, so that clocks which differ a little still name one tick by one slot.
    """

    def __init__(self, slot_s: int, at_s: int | None = None) -> None:
        self._slot_s = slot_s
        self._at_s = at_s

    @classmethod
    def of(cls, runs: Every | Daily) -> SlotTrigger:
        """All clocks try on the same moments, and so meet in one tick."""
        if isinstance(runs, Daily):
            return cls(_HOUR_S, runs.minute * 60)
        return cls(runs.slot_s, runs.at_s)

    def get_next_fire_time(self, previous_fire_time: Any, now: datetime) -> Any:
        """The moment in the first slot after the previous run's that is yet to come."""
        slot = int(now.timestamp()) // self._slot_s
        if previous_fire_time is not None:
            slot = max(slot, int(previous_fire_time.timestamp()) // self._slot_s + 1)
        moment = self._moment(slot)
        return moment if moment > now else self._moment(slot + 1)

    def _moment(self, slot: int) -> datetime:
        at_s = self._at_s
        if at_s is None:
            # No secret: spreading load.
            part = 0.5 + random.uniform(-_JITTER, _JITTER)  # noqa: S311
            at_s = part * self._slot_s
        return datetime.fromtimestamp(slot * self._slot_s + at_s, UTC)
