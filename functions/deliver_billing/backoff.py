"""When an event that was not taken is sent again. Pure."""

from __future__ import annotations

from datetime import timedelta

MAX_ATTEMPTS = 16
"""Over some 30 hours; then it is a dead letter."""

_FIRST_S = 5
_LONGEST_S = 6 * 3600


def wait_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after so many attempts; None: no more. `chance` is in [0, 1): jitter of a
    half, so that a receiver that comes back is not met by all at once.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    full_s = min(_LONGEST_S, _FIRST_S * 2 ** max(0, attempts - 1))
    return timedelta(seconds=full_s * (0.5 + chance / 2))
