"""A circuit: whether to send to one place, learned from what came back. Time is told, never asked.

    closed --(5 failures in a row, or half of 20 in 60 s)--> open
    open --(30 s x times opened, 300 s at most)--> half-open
    half-open --(2 successes)--> closed      half-open --(a failure)--> open

Half-open lets three through at once, each on a lease of 10 s: a probe that hangs frees its permit.
What one caller's request may have caused by itself counts for CALLERS_MOST at most in a window, so
that nobody opens a circuit for everybody alone; it opens it again only where two have seen it.
Thresholds: RELIABILITY.md section 5. Source of stuck probes: resilience4j issue 903.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

WINDOW_S = 60.0
FAILURES_IN_A_ROW = 5
LEAST_CALLS = 20
FAILING_SHARE = 0.5
OPEN_S = 30.0
LONGEST_OPEN_S = 300.0
JITTER = 0.1
PERMITS = 3
LEASE_S = 10.0
SUCCESSES_TO_CLOSE = 2
CALLERS_MOST = FAILURES_IN_A_ROW - 1
FORGIVEN_AFTER_S = 300.0
"""A circuit that was closed for so long starts again with the shortest time."""

_MOST_CALLERS = 16
_SLOT_S = 10.0
_SLOTS = int(WINDOW_S / _SLOT_S)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


# Python 3.11 looks a member up by a call, and this is asked in each request.
_CLOSED = State.CLOSED


class CircuitState(msgspec.Struct, frozen=True):
    """A transition, as other processes are told of it. `until_s`: when an open circuit ends."""

    state: State
    until_s: float
    times_opened: int
    at_s: float


class Counts(msgspec.Struct, frozen=True):
    """What came back in the last WINDOW_S; `last_failure_s` is 0 before the first one."""

    successes: int
    failures: int
    failures_in_a_row: int
    last_failure_s: float

    def plus(self, other: Counts | None) -> Counts:
        """Of two places together."""
        if other is None:
            return self
        return Counts(
            self.successes + other.successes,
            self.failures + other.failures,
            max(self.failures_in_a_row, other.failures_in_a_row),
            max(self.last_failure_s, other.last_failure_s),
        )


class Circuit:
    """One place's circuit. All times are seconds of the caller's clock; `chance` is of [0, 1)."""

    __slots__ = (
        "_callers",
        "_failures_in_a_row",
        "_last_failure_s",
        "_leases",
        "_seen_s",
        "_slots",
        "_trial_successes",
        "changed_s",
        "state",
        "times_opened",
        "until_s",
    )

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.until_s = 0.0
        self.times_opened = 0
        self.changed_s = 0.0
        self._leases: list[float] = []
        self._trial_successes = 0
        self._failures_in_a_row = 0
        self._last_failure_s = 0.0
        # [slot's number, successes, failures], the newest last.
        self._slots: list[list[int]] = []
        # What each caller's requests may have caused: when it began, and how often.
        self._callers: dict[str, tuple[float, int]] = {}
        # When it last failed in a way that no request brings about.
        self._seen_s = -2 * WINDOW_S

    def shut_until(self, now_s: float) -> float:
        """When it is worth asking again; 0 where a request may be sent now."""
        if self.state is _CLOSED:
            return 0.0
        if self.state is State.OPEN:
            return self.until_s if now_s < self.until_s else 0.0
        leases = [ends for ends in self._leases if ends > now_s]
        return min(leases) if len(leases) >= PERMITS else 0.0

    def admit(self, now_s: float) -> bool:
        """Whether to send one request; while half-open that takes one of its permits."""
        if self.state is _CLOSED:
            return True
        if self.shut_until(now_s):
            return False
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN, now_s)
        self._leases = [ends for ends in self._leases if ends > now_s]
        self._leases.append(now_s + LEASE_S)
        return True

    def succeeded(self, now_s: float) -> bool:
        """Whether that has closed the circuit. Also a request sent in spite of it counts."""
        self._slot(now_s)[1] += 1
        self._failures_in_a_row = 0
        if self.state is _CLOSED:
            return False
        self._release()
        self._trial_successes += 1
        if self._trial_successes < SUCCESSES_TO_CLOSE:
            return False
        self._become(State.CLOSED, now_s)
        self._slots.clear()
        return True

    def failed(self, now_s: float, chance: float, caller: str | None = None) -> bool:
        """Whether that has opened the circuit. `caller`: whose request may have caused it."""
        if caller is None:
            self._seen_s = now_s
        elif not self._counts(now_s, caller):
            self._release()
            return False
        self._slot(now_s)[2] += 1
        self._failures_in_a_row += 1
        self._last_failure_s = now_s
        if self.state is _CLOSED:
            is_seen = len(self._callers) > 1 or now_s - self._seen_s <= WINDOW_S
            return is_seen and self._is_failing(now_s) and self._open(now_s, chance)
        self._release()
        if caller is not None and len(self._callers) == 1:
            return False
        self._trial_successes = 0
        # While it is open a failure is no news; the time it was given stands.
        return self.state is State.HALF_OPEN and self._open(now_s, chance)

    def released(self) -> None:
        """What `admit` let through says nothing of the place: its permit is free again."""
        self._release()

    def adopt(self, news: CircuitState) -> bool:
        """Follow another process, where its news is newer; whether anything has changed."""
        if news.at_s <= self.changed_s or news.state is State.HALF_OPEN:
            return False
        if news.state is State.CLOSED and self.state is _CLOSED:
            return False
        self._become(news.state, news.at_s)
        self.until_s = news.until_s
        self.times_opened = news.times_opened
        self._failures_in_a_row = 0
        if news.state is State.CLOSED:
            self._slots.clear()
        return True

    @property
    def news(self) -> CircuitState:
        return CircuitState(self.state, self.until_s, self.times_opened, self.changed_s)

    def counts(self, now_s: float) -> Counts:
        self._forget_slots(now_s)
        return Counts(
            sum(slot[1] for slot in self._slots),
            sum(slot[2] for slot in self._slots),
            self._failures_in_a_row,
            self._last_failure_s,
        )

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing would be lost by forgetting it."""
        self._forget_slots(now_s)
        if self.state is not _CLOSED or self._slots:
            return False
        return not self.times_opened or now_s - self.changed_s > FORGIVEN_AFTER_S

    def _counts(self, now_s: float, caller: str) -> bool:
        """Whether this failure of the caller's counts still; of many, none needs to."""
        for name, (since, _) in tuple(self._callers.items()):
            if now_s - since > WINDOW_S:
                del self._callers[name]
        if caller not in self._callers and len(self._callers) >= _MOST_CALLERS:
            return True
        since, times = self._callers.get(caller, (now_s, 0))
        if times < CALLERS_MOST:
            self._callers[caller] = since, times + 1
        return times < CALLERS_MOST

    def _is_failing(self, now_s: float) -> bool:
        if self._failures_in_a_row >= FAILURES_IN_A_ROW:
            return True
        counts = self.counts(now_s)
        calls = counts.successes + counts.failures
        return calls >= LEAST_CALLS and counts.failures >= FAILING_SHARE * calls

    def _open(self, now_s: float, chance: float) -> bool:
        if self.state is _CLOSED and now_s - self.changed_s > FORGIVEN_AFTER_S:
            self.times_opened = 0
        self.times_opened += 1
        self._become(State.OPEN, now_s)
        open_s = min(LONGEST_OPEN_S, OPEN_S * self.times_opened)
        self.until_s = now_s + open_s * (1 + JITTER * chance)
        return True

    def _become(self, state: State, now_s: float) -> None:
        self.state = state
        self.changed_s = now_s
        self._trial_successes = 0
        self._leases.clear()

    def _release(self) -> None:
        if self._leases:
            self._leases.pop(0)

    def _slot(self, now_s: float) -> list[int]:
        number = int(now_s // _SLOT_S)
        slots = self._slots
        if not slots or slots[-1][0] != number:
            self._forget_slots(now_s)
            slots.append([number, 0, 0])
        return slots[-1]

    def _forget_slots(self, now_s: float) -> None:
        oldest = int(now_s // _SLOT_S) - _SLOTS + 1
        while self._slots and self._slots[0][0] < oldest:
            del self._slots[0]
