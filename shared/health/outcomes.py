"""What came back from providers lately, as others read it; and whether our own network is down.

The health check reads `switchyard:health:outcomes:<process>`: a hash of each web process, renewed
once a second and gone 10 s after it stops. Field `<provider slug>|<model id>`, value msgpack
`[window_s, successes, failures, failures_in_a_row, last_failure_unix_s]`.
"""

from __future__ import annotations

import msgspec

from shared.health.circuits import WINDOW_S, Counts

KEY_PREFIX = "switchyard:health:outcomes:"
EXPIRES_S = 10

LOCAL_FAULT_PROVIDERS = 3
LOCAL_FAULT_WITHIN_S = 5.0


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """One provider's model as one process saw it. `last_failure_unix_s` is 0 before the first."""

    window_s: float
    successes: int
    failures: int
    failures_in_a_row: int
    last_failure_unix_s: float


def outcome_field(slug: str, model_id: str) -> str:
    return f"{slug}|{model_id}"


def encode_outcome(counts: Counts, unix_offset_s: float) -> bytes:
    """`unix_offset_s` turns the time of `counts` into Unix time."""
    last = counts.last_failure_s and counts.last_failure_s + unix_offset_s
    return msgspec.msgpack.encode(
        Outcome(WINDOW_S, counts.successes, counts.failures, counts.failures_in_a_row, last)
    )


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
