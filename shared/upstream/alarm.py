"""A timer for what is put off far more often than it rings: moving it later costs a comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` once the time that `due` tells has come. All times are the loop's, in s.

    `due` is asked only when the timer wakes, so it may have moved later without a word; where it
    moves earlier, call `ring_by`.
    """

    __slots__ = ("_at", "_due", "_loop", "_ring", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        due: Callable[[], float],
        ring: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._due = due
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        # Kept here: uvloop gives no when() where a time is due within its millisecond.
        self._at = 0.0

    def ring_by(self, at: float) -> None:
        """Wake at `at`, or before."""
        timer = self._timer
        if timer is not None:
            if at >= self._at:
                return
            timer.cancel()
        self._timer = self._loop.call_at(at, self._wake)
        self._at = at

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        due = self._due()
        if self._loop.time() < due:
            self.ring_by(due)
        else:
            self._ring()
