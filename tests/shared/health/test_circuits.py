"""Laws of a circuit, by hand and by Hypothesis against a model of it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.health.circuits import (
    FORGIVEN_AFTER_S,
    JITTER,
    LEASE_S,
    LONGEST_OPEN_S,
    OPEN_S,
    PERMITS,
    Circuit,
    CircuitState,
    State,
)


def opened(at_s: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(5):
        circuit.failed(at_s, 0.0)
    assert circuit.state is State.OPEN
    return circuit


def test_one_failure_in_a_hundred_changes_nothing() -> None:
    circuit = Circuit()
    for call in range(1000):
        if call % 100 == 50:
            assert not circuit.failed(call / 10, 0.0)
        else:
            circuit.succeeded(call / 10)
        assert circuit.admit(call / 10)


def test_five_failures_in_a_row_open_it_before_call_six() -> None:
    circuit = Circuit()
    assert [circuit.failed(1.0, 0.0) for _ in range(5)] == [False] * 4 + [True]
    assert not circuit.admit(1.0)


def test_half_of_twenty_in_a_minute_opens_it() -> None:
    circuit = Circuit()
    outcomes = [circuit.failed(n, 0.0) if n % 2 else circuit.succeeded(n) for n in range(20)]
    assert outcomes == [False] * 19 + [True]


def test_half_of_nineteen_does_not() -> None:
    circuit = Circuit()
    for n in range(19):
        _ = circuit.failed(n, 0.0) if n % 2 else circuit.succeeded(n)
    assert circuit.state is State.CLOSED


def test_what_is_older_than_a_minute_counts_no_more() -> None:
    circuit = Circuit()
    for n in range(18):
        _ = circuit.failed(0.0, 0.0) if n % 2 else circuit.succeeded(0.0)
    for n in range(4):
        _ = circuit.failed(100.0, 0.0) if n % 2 else circuit.succeeded(100.0)
    assert circuit.state is State.CLOSED
    assert circuit.counts(100.0).failures == 2


def test_it_is_half_open_after_its_time_and_lets_three_through() -> None:
    circuit = opened()
    assert circuit.shut_until(OPEN_S - 1) == OPEN_S
    assert not circuit.admit(OPEN_S - 0.001)
    assert [circuit.admit(OPEN_S) for _ in range(PERMITS + 1)] == [True] * PERMITS + [False]


def test_two_successes_close_it() -> None:
    circuit = opened()
    circuit.admit(OPEN_S)
    assert [circuit.succeeded(OPEN_S), circuit.succeeded(OPEN_S)] == [False, True]
    assert circuit.admit(OPEN_S)


def test_a_failing_probe_opens_it_for_longer_each_time_up_to_five_minutes() -> None:
    circuit, now, times = opened(), 0.0, list[float]()
    for _ in range(15):
        times.append(circuit.until_s - now)
        now = circuit.until_s
        assert circuit.admit(now)
        assert circuit.failed(now, 0.0)
    assert times == [min(LONGEST_OPEN_S, OPEN_S * n) for n in range(1, 16)]


def test_a_probe_that_hangs_frees_its_permit_within_11_s() -> None:
    circuit = opened()
    for _ in range(PERMITS):
        circuit.admit(OPEN_S)
    assert not circuit.admit(OPEN_S + LEASE_S - 0.1)
    assert circuit.admit(OPEN_S + 11)


def test_after_five_good_minutes_it_starts_again_with_the_shortest_time() -> None:
    circuit = opened()
    for _ in range(2):
        circuit.admit(OPEN_S)
        circuit.succeeded(OPEN_S)
    late = OPEN_S + FORGIVEN_AFTER_S + 1
    for _ in range(5):
        circuit.failed(late, 0.0)
    assert circuit.until_s == late + OPEN_S


def test_traffic_that_is_sent_all_the_same_can_close_it() -> None:
    circuit = opened()
    assert [circuit.succeeded(1.0), circuit.succeeded(1.0)] == [False, True]


def test_it_follows_newer_news_only() -> None:
    circuit = opened(at_s=10.0)
    assert not circuit.adopt(CircuitState(State.CLOSED, 0.0, 1, at_s=9.0))
    assert circuit.state is State.OPEN
    assert circuit.adopt(CircuitState(State.CLOSED, 0.0, 1, at_s=11.0))
    assert circuit.admit(11.0)
    assert circuit.adopt(CircuitState(State.OPEN, 50.0, 3, at_s=12.0))
    assert not circuit.admit(49.0)
    assert circuit.admit(50.0)


class CircuitMachine(RuleBasedStateMachine):
    """Any order of sends, answers, hangs and pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit()
        self.now = 1000.0
        self.under_way = 0
        self.probes: list[float] = []
        self.in_a_row = 0

    @rule(later=st.floats(0, 40))
    def wait(self, later: float) -> None:
        self.now += later

    @rule()
    def send(self) -> None:
        before = self.circuit.state
        if not self.circuit.admit(self.now):
            assert before is not State.CLOSED
            return
        self.under_way += 1
        if before is not State.CLOSED:
            self.probes = [at for at in self.probes if at + LEASE_S > self.now]
            self.probes.append(self.now)

    @precondition(lambda self: self.under_way)
    @rule()
    def answer(self) -> None:
        self.under_way -= 1
        self.in_a_row = 0
        closed = self.circuit.succeeded(self.now)
        assert not closed or self.circuit.state is State.CLOSED
        self._forget_probe()

    @precondition(lambda self: self.under_way)
    @rule(chance=st.floats(0, 0.999))
    def fail(self, chance: float) -> None:
        self.under_way -= 1
        self.in_a_row += 1
        before = self.circuit.state
        opened = self.circuit.failed(self.now, chance)
        if before is State.HALF_OPEN:
            assert opened
        if opened:
            length = self.circuit.until_s - self.now
            assert OPEN_S <= length <= LONGEST_OPEN_S * (1 + JITTER)
        self._forget_probe()

    @precondition(lambda self: self.under_way)
    @rule()
    def hang(self) -> None:
        self.under_way -= 1

    def _forget_probe(self) -> None:
        if self.circuit.state is not State.HALF_OPEN:
            self.probes.clear()
        elif self.probes:
            self.probes.pop(0)

    @invariant()
    def at_most_three_probes_hold_a_lease(self) -> None:
        live = [at for at in self.probes if at + LEASE_S > self.now]
        assert self.circuit.state is State.CLOSED or len(live) <= PERMITS

    @invariant()
    def five_failures_in_a_row_are_never_survived_closed(self) -> None:
        assert self.circuit.state is not State.CLOSED or self.in_a_row < 5

    @invariant()
    def nothing_sticks(self) -> None:
        """Whatever happened, a request is let through within the longest time and a lease."""
        until = self.circuit.shut_until(self.now)
        assert until <= self.now + LONGEST_OPEN_S * (1 + JITTER)
        assert not self.circuit.shut_until(max(until, self.now))


TestCircuitMachine = CircuitMachine.TestCase
