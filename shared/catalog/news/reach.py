"""How long ago this process heard of the world, by PostgreSQL or by Redis."""

from __future__ import annotations

import time


class Reach:
    """`is_over` once nothing was heard for longer than `limit_s`.

    By whichever clock says so first: the monotonic one stands still with a virtual machine that
    does, and the wall clock may be set back.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.note()

    def note(self) -> None:
        """Something was heard just now."""
        self._wall_s, self._steady_s = time.time(), time.monotonic()

    @property
    def is_over(self) -> bool:
        return (
            time.time() - self._wall_s > self._limit_s
            or time.monotonic() - self._steady_s > self._limit_s
        )
