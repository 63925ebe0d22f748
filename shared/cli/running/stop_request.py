"""Ctrl-C, SIGTERM and a closed terminal: noted when they come, acted on between two steps."""

from __future__ import annotations

import signal
import time
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_AFTER_S = 1.0


class StopRequest:
    """Whether this process was asked to stop.

    Noted and not raised: an exception in the middle of starting PostgreSQL would leave it running
    with nobody to stop it.
    """

    def __init__(self) -> None:
        self._first_at_s: float | None = None
        self.impatient = False

    def listen(self) -> None:
        """Note the signals from now on; only in the main thread."""
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def request(self) -> None:
        """Ask to stop; a second time, a second or more later, to stop without waiting."""
        now_s = time.monotonic()
        if self._first_at_s is None:
            self._first_at_s = now_s
        elif now_s - self._first_at_s >= _AGAIN_AFTER_S:
            # Sooner is the same Ctrl-C, handed on by a wrapper that got it too.
            self.impatient = True

    @property
    def requested(self) -> bool:
        return self._first_at_s is not None

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.request()
