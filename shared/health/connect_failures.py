"""Whether our own network is down, rather than the providers."""

from __future__ import annotations

LOCAL_FAULT_PROVIDERS = 3
LOCAL_FAULT_WITHIN_S = 5.0


class ConnectFailures:
    """Tells a network of our own that is down from providers that are.

    Three providers that cannot be connected to within 5 s, and none that answers meanwhile: that
    is ours, and says nothing of them.
    """

    def __init__(self) -> None:
        self._failed_s: dict[str, float] = {}

    def note(self, slug: str, now_s: float) -> None:
        self._failed_s[slug] = now_s

    def answered(self) -> None:
        """Some provider did: the network is there."""
        if self._failed_s:
            self._failed_s.clear()

    def is_local(self, now_s: float) -> bool:
        since = now_s - LOCAL_FAULT_WITHIN_S
        return sum(at >= since for at in self._failed_s.values()) >= LOCAL_FAULT_PROVIDERS
