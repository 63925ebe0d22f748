"""Ctrl-C, SIGTERM and a closed terminal: noted when they arrive, acted on between steps."""

from __future__ import annotations

import signal
import time
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_AFTER_S = 1.0


class StopRequest:
    """Whether this process was asked to stop.

    Noted rather than raised: an exception while PostgreSQL is starting would leave it running with
    nothing to stop it.
    """

    def __init__(self) -> None:
        self._first_at_s: float | None = None
        self.impatient = False

    def listen(self) -> None:
        """Start noting the signals. Call it from the main thread."""
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def request(self) -> None:
        """Ask to stop. A second request, at least a second later, asks to stop without waiting."""
        now_s = time.monotonic()
        if self._first_at_s is None:
            self._first_at_s = now_s
        elif now_s - self._first_at_s >= _AGAIN_AFTER_S:
            # Any sooner, it is the same Ctrl-C, forwarded by a wrapper that received it too.
            self.impatient = True

    @property
    def requested(self) -> bool:
        return self._first_at_s is not None

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.request()
