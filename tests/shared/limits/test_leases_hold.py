"""spent + reserved + leased <= limit, over several processes, whatever befalls them."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.limits.limit import Kind
from tests.shared.limits.machine import Process, World

_PROCESSES = 3
_which = st.integers(0, _PROCESSES - 1)


class Leases(RuleBasedStateMachine):
    url = ""

    @initialize(confirmed_s=st.sampled_from([0.0, 1.0, 3.0]))
    def begin(self, confirmed_s: float) -> None:
        self.was_lost = False
        self.loop = asyncio.new_event_loop()
        self.world = World(self.url, self.loop, confirmed_s=confirmed_s)
        self.processes = [Process(self.world) for _ in range(_PROCESSES)]
        self.world.pass_by(5.1)
        self.renew_all()

    @rule(which=_which, usd=st.integers(1, 400), times=st.integers(1, 4))
    def reserve(self, which: int, usd: int, times: int) -> None:
        for _ in range(times):
            self.processes[which].reserve({Kind.DAY: usd, Kind.CONCURRENT: 1})

    @rule(which=_which, share=st.floats(0, 1))
    def settle(self, which: int, share: float) -> None:
        if self.processes[which].open:
            self.processes[which].settle(share)

    @rule(which=_which, fault=st.sampled_from(["question", "answer"]), times=st.integers(1, 3))
    def lose_calls(self, which: int, fault: str, times: int) -> None:
        self.processes[which].grants.lost = [fault] * times

    @rule(which=_which)
    def crash(self, which: int) -> None:
        """What it had reserved is never settled; what it had settled PostgreSQL has."""
        self.processes[which] = Process(self.world)

    @rule()
    def lose_redis(self) -> None:
        self.was_lost = True
        self.world.lose_redis()

    @rule(by_s=st.sampled_from([-3600.0, -10.0, -1.0, 1.0, 10.0, 3600.0]))
    def set_the_clock_of_redis(self, by_s: float) -> None:
        self.world.set_clock(by_s)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0]), times=st.integers(1, 8))
    def pass_by(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.world.pass_by(seconds)
            self.renew_all()

    @rule(seconds=st.sampled_from([3.0, 6.0, 30.0]), first=_which, usd=st.integers(1, 400))
    def stop_all(self, seconds: float, first: int, usd: int) -> None:
        """Redis or the machine stands still; then one asks before the others have said a word."""
        self.world.pass_by(seconds)
        self.processes[first].reserve({Kind.DAY: usd, Kind.CONCURRENT: 1})
        self.renew_all()

    @rule(which=_which, back=st.integers(1, 5))
    def repeat_a_call(self, which: int, back: int) -> None:
        self.world.do(self.processes[which].grants.repeat(back))

    def renew_all(self) -> None:
        for one in self.processes:
            self.world.do(one.renew())

    @invariant()
    def no_budget_is_exceeded(self) -> None:
        held = sum(one.held(Kind.DAY) for one in self.processes)
        assert self.world.spent + held <= self.world.amounts[Kind.DAY]

    @invariant()
    def no_more_are_open_than_may_be(self) -> None:
        held = sum(one.held(Kind.CONCURRENT) for one in self.processes)
        assert held <= self.world.amounts[Kind.CONCURRENT]

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.check_that_nothing_is_lost_for_good()
            finally:
                self.world.close()
                self.loop.close()

    def check_that_nothing_is_lost_for_good(self) -> None:
        """Once all is settled, all that was not spent can be had, to the last nano-USD.

        Where Redis was lost, and calls were lost too, what they told may count twice.
        """
        for one in self.processes:
            one.grants.lost = []
            while one.open:
                one.settle(1.0)
        for _ in range(80):
            self.world.pass_by(1.0)
            self.renew_all()
        left = self.world.amounts[Kind.DAY] - self.world.spent
        if self.was_lost:
            left = max(0, left - self.world.doubted)
        if left:
            assert self.processes[0].reserve({Kind.DAY: left, Kind.CONCURRENT: 10})
        else:
            assert self.processes[0].reserve({Kind.CONCURRENT: 10})
        if not self.was_lost:
            assert not self.processes[1].reserve({Kind.DAY: 1})


def test_spent_reserved_and_leased_never_exceed_the_limit(redis_url: str) -> None:
    Leases.url = redis_url
    run_state_machine_as_test(
        Leases,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
