"""uvloop whose short timers fire on a signal, so that a count does not depend on the clock.

Under valgrind the gateway is 50 times as slow. By the clock it would ship usage and look at the
catalog for every few requests, in place of every few hundred, and more often on a slower machine.
"""

from __future__ import annotations

import gc
import signal
from asyncio import TimerHandle
from collections.abc import Callable
from contextvars import Context
from typing import Any

import uvloop

TURN = signal.SIGUSR1
"""The first one holds the timers that are set from then on; each further one fires what is held."""
# The turns of what repeats itself are not longer; a deadline is, and never comes.
_LONGEST_TURN_S = 1.0


class HeldLoop(uvloop.Loop):
    def __init__(self) -> None:
        super().__init__()
        self._held: dict[int, TimerHandle] | None = None
        self.add_signal_handler(TURN, self._turn)
        # A full collection costs as much as fifty requests: one more or less would be 5 %.
        gc.disable()

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        if self._held is None:
            return super().call_later(delay, callback, *args, context=context)
        timer = TimerHandle(delay, callback, args, self, context)
        self._held[id(timer)] = timer
        return timer

    def _timer_handle_cancelled(self, timer: TimerHandle) -> None:
        """Called by `timer.cancel`."""
        assert self._held is not None
        self._held.pop(id(timer), None)

    def _turn(self) -> None:
        due = [one for one in (self._held or {}).values() if one.when() <= _LONGEST_TURN_S]
        self._held = {} if self._held is None else self._held
        for timer in due:
            del self._held[id(timer)]
            self.call_soon(timer._run)
