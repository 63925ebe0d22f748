"""Whether our own network is down, rather than the providers."""

from __future__ import annotations

from shared.health.hysteresis import is_local_fault

LOCAL_FAULT_WITHIN_S = 5.0


class ConnectFailures:
    """Tells a network of our own that is down from providers that are.

    Three providers that cannot be connected to within 5 s, and none that answers meanwhile: that
    is ours, and says nothing of them. Servers of the operator's own, at private addresses, say
    nothing of our way out, be they there or not: tell only of the others.
    """

    def __init__(self) -> None:
        self._failed_s: dict[str, float] = {}

    def note(self, slug: str, now_s: float) -> None:
        self._failed_s[slug] = now_s

    def answered(self) -> None:
        """Some provider did, with whatever status: the network is there."""
        if self._failed_s:
            self._failed_s.clear()

    def is_local(self, now_s: float) -> bool:
        since = now_s - LOCAL_FAULT_WITHIN_S
        return is_local_fault(sum(at >= since for at in self._failed_s.values()), answered=0)
